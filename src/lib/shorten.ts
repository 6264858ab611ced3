/** A text of at most `length` UTF-16 units: what is longer ends in an ellipsis. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
