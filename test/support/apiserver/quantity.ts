/** Quantities in the form the API server gives them back: `1000m` → `1`, `1024Mi` → `1Gi`, `0.5` → `500m` (apimachinery `resource.Quantity`). */

const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/** The canonical text, or undefined when it is not a quantity. */
export const canonicalQuantity = (text: string): string | undefined => {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', unit = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const binary = BINARY.indexOf(unit as (typeof BINARY)[number]);
  const isBinary = binary > 0;
  const power = exponent !== undefined ? Number(exponent) : isBinary ? 0 : 3 * (DECIMAL.indexOf(unit as (typeof DECIMAL)[number]) - 3);
  // In billionths, rounded up as the server does.
  let nano = BigInt(whole + fraction) * 10n ** 9n;
  if (isBinary) nano *= 1024n ** BigInt(binary);
  const scale = power - fraction.length;
  if (scale >= 0) nano *= 10n ** BigInt(scale);
  else nano = (nano + 10n ** BigInt(-scale) - 1n) / 10n ** BigInt(-scale);
  if (nano === 0n) return '0';
  const minus = sign === '-' ? '-' : '';
  if (isBinary && nano % 10n ** 9n === 0n && nano / 10n ** 9n >= 1024n) {
    let value = nano / 10n ** 9n;
    let step = 0;
    while (value % 1024n === 0n && step < BINARY.length - 1) {
      value /= 1024n;
      step++;
    }
    return `${minus}${value}${BINARY[step] ?? ''}`;
  }
  let step = 0;
  while (nano % 1000n === 0n && step < DECIMAL.length - 1) {
    nano /= 1000n;
    step++;
  }
  if (exponent !== undefined) return step === 3 ? `${minus}${nano}` : `${minus}${nano}e${(step - 3) * 3}`;
  return `${minus}${nano}${DECIMAL[step] ?? ''}`;
};
