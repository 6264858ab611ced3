import { describe, expect, test } from '@jest/globals';

import { checkGuc } from '../postgres/gucs/value.ts';
import { checkParameter } from './check-parameter.ts';

describe('a value that PostgreSQL takes and Patroni does not write', () => {
  test.each([
    ['17', 'fsync', 'tr', 'must be on or off in full, since Patroni leaves shortened words out: correct it'],
    ['17', 'client_min_messages', 'debug', 'is a name that Patroni leaves out: write debug2, which means the same'],
    ['17', 'client_min_messages', 'INFO', 'must be one of debug5, debug4, debug3, debug2, debug1, log, notice, warning, error, since Patroni leaves others out: choose one of them'],
    ['17', 'wal_level', 'hot_standby', 'is a name that Patroni leaves out: write replica, which means the same'],
    ['14', 'compute_query_id', 'regress', 'must be one of auto, on, off, since Patroni leaves others out: choose one of them'],
    ['17', 'work_mem', '5.MB', 'must have a digit after the point, since Patroni leaves it out otherwise: correct it'],
    ['17', 'random_page_cost', '2.', 'must have a digit after the point, since Patroni leaves it out otherwise: correct it'],
    ['17', 'random_page_cost', '0x2', 'must be a decimal number, since Patroni leaves hexadecimal ones out: correct it'],
    ['17', 'maintenance_work_mem', '512kB', 'must be at least 1MB, since Patroni raises what is less: raise it'],
  ])('%s %s: %j is refused', (major, name, value, message) => {
    expect(checkGuc(major, name, value)).toBeUndefined();
    expect(checkParameter(major, name, value, 'path')).toEqual([{ severity: 'error', code: 'ERR_SPEC_PARAMETER', path: 'path', message }]);
  });
});

describe('what Patroni writes', () => {
  test.each([
    ['17', 'jit', 'YES'],
    ['17', 'jit', 0],
    ['17', 'jit', true],
    ['17', 'log_min_messages', 'info'],
    ['17', 'synchronous_commit', 'yes'],
    ['17', 'wal_compression', true],
    ['17', 'compute_query_id', 'regress'],
    ['17', 'ssl_max_protocol_version', ''],
    ['17', 'work_mem', '0x1000'],
    ['17', 'work_mem', '1.5MB'],
    ['17', 'work_mem', '.5GB'],
    ['17', 'maintenance_work_mem', '1MB'],
    ['18', 'maintenance_work_mem', '64kB'],
  ])('%s %s: %j passes', (major, name, value) => {
    expect(checkParameter(major, name, value, 'path')).toEqual([]);
  });
});
