/** How many places a note names. */
const NAMED = 40;

/** A note of what a message has that the one made of it has not: `41 of 44 fields are in FHIR. Not mapped: PV1-18`. */
export function notMapped(said: string, unmapped: readonly string[]): readonly string[] {
  if (unmapped.length === 0) return [];
  const more = unmapped.length - NAMED;
  const named = unmapped.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [`${said}. Not mapped: ${named}`];
}
