/**
 * An object whose secrets can be read by name but are seen by nobody who prints, logs, serializes or
 * spreads it: they are accessors that do not enumerate, so that even an inspection of hidden
 * properties shows `[Getter]`.
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
