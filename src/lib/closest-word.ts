/** Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of neighbours cost one each. */
function distance(a: string, b: string): number {
  const rows: number[][] = [];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 0; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(i - 2, j - 2) + 1 : Infinity;
      (rows[i] ?? []).push(i === 0 ? j : Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + same, swap));
    }
  }
  return cell(a.length, b.length);
}

/**
 * The candidate that `word` was probably meant to be, or undefined when none is close: at most a third of the letters differ, ignoring case. The first of equals wins.
 * Words below 3 characters are close to everything and get no answer;
 * those above 64 get none either, since the work grows with the square.
 */
export function closestWord(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < 3 || word.length > 64) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}
