/**
 * An object whose secrets can be read by name but never show when it is printed, logged, serialized
 * or spread: they are accessors that are not enumerable, so even an inspection of hidden properties
 * shows `[Getter]`.
 */
export function concealed<Visible extends object, Secret extends object>(
  visible: Visible,
  secrets: Secret,
): Visible & Secret {
  const object = { ...visible };
  for (const [name, value] of Object.entries(secrets)) {
    if (value !== undefined) Object.defineProperty(object, name, { get: () => value as unknown });
  }
  return Object.freeze(object) as Visible & Secret;
}
