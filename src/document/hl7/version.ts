/** Whether an HL7 version is earlier than another: `isBefore('2.3.1', '2.5')`. Parts that are not numbers count as 0. */
export function isBefore(version: string, other: string): boolean {
  const [one, two] = [numbers(version), numbers(other)];
  for (let at = 0; at < 3; at++) {
    const difference = (one[at] ?? 0) - (two[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}
