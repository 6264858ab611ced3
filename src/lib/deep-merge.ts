/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is a plain JSON object: not null, not an array, not an instance of a class. */
export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Objects made in another realm (jest, vm) have another Object.prototype; its own prototype is null as well.
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
}

/**
 * A new object with `overlay` laid over `base`: objects are merged key by key; lists, scalars and null replace. Neither argument is changed,
 * and what is not merged is shared. `undefined` in the overlay leaves the base alone. The keys `__proto__`, `constructor` and `prototype`
 * become ordinary own keys, never the prototype.
 */
export function deepMerge(base: JsonObject, overlay: JsonObject): Record<string, unknown> {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(overlay)) {
    if (value === undefined) continue;
    const below = merged.get(key);
    merged.set(key, isJsonObject(below) && isJsonObject(value) ? deepMerge(below, value) : value);
  }
  // fromEntries defines own properties, so a key named __proto__ cannot reach the prototype as an assignment would.
  return Object.fromEntries(merged);
}
