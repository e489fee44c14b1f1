/** A name for a host or a file: lower case letters, digits and inner hyphens. */
export function slug(text: string, longest = 40): string {
  const plain = text.normalize('NFKD').replaceAll(/[\u0300-\u036F]/g, '');
  const words = plain
    .replaceAll(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  return words.slice(0, longest).replaceAll(/^-+|-+$/g, '') || 'channel';
}

/** Returns each name only once: repeated ones get a number. */
export class Names {
  readonly #taken = new Set<string>();

  take(wanted: string): string {
    let name = wanted;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${wanted}-${number}`;
    this.#taken.add(name);
    return name;
  }
}

/** The name of an environment variable or secret. */
export const variableName = (...parts: readonly string[]): string =>
  parts
    .join('_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');

/** A text of an export as a value of a production: `${…}` in it stands for nothing. */
export const plainValue = (text: string): string => text.replaceAll('${', () => '$${');
