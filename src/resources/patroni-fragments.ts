import { names } from '../api/names.ts';

/** Key of a credential Secret that holds its piece of Patroni's configuration. */
export const FRAGMENT_KEY = 'patroni.yml';

/**
 * Secrets that carry a piece of Patroni's configuration, and the file each becomes. No Secret is made from another, so a rotated password changes one file.
 */
export const PATRONI_FRAGMENTS = [
  { secret: names.rewindSecret, key: FRAGMENT_KEY, path: '60-rewind.yml' },
  { secret: names.superuserSecret, key: FRAGMENT_KEY, path: '61-superuser.yml' },
  { secret: names.restapiSecret, key: FRAGMENT_KEY, path: '62-restapi.yml' },
] as const;
