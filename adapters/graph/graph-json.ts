/** A JSON object from Graph, with unchecked properties. */
export type Json = Readonly<Record<string, unknown>>;

/** `{}` for a text that is not a JSON object: an empty answer, or the page of a gateway. */
export function jsonOf(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    // not JSON
    return {};
  }
}

/** A property that should be a text; `''` if it is not. */
export function textAt(json: Json, name: string): string {
  const value = json[name];
  return typeof value === 'string' ? value : '';
}

/** A property that should be a list of objects; empty if it is not. */
export function listAt(json: Json, name: string): readonly Json[] {
  const value = json[name];
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** A property that should be an object; `{}` if it is not. */
export function objectAt(json: Json, name: string): Json {
  const value = json[name];
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
