import type { Element } from './json.ts';
import type { Part } from './part.ts';

/** The components of PL from the outside in, with the physical type of the place each names. */
const LEVELS = [
  [4, 'si', 'Site'],
  [7, 'bu', 'Building'],
  [8, 'lvl', 'Level'],
  [1, 'wa', 'Ward'],
  [2, 'ro', 'Room'],
  [3, 'bd', 'Bed'],
] as const;

/** PL as Locations, each part of the one around it; a reference to the innermost. */
export function placeReference(
  part: Part,
  { keep }: { readonly keep: (type: string, content: Element) => string },
): { readonly reference: string } | undefined {
  let around: string | undefined;
  const description = part.child(9)?.use();
  const named = LEVELS.flatMap(([at, code, display]) => {
    const name = part.child(at)?.child(1)?.use();
    return name === undefined ? [] : [{ name, code, display }];
  });
  for (const [at, { name, code, display }] of named.entries()) {
    around = keep('Location', {
      identifier: [{ value: name }],
      name,
      description: at === named.length - 1 ? description : undefined,
      mode: 'instance',
      physicalType: {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/location-physical-type',
            code,
            display,
          },
        ],
      },
      partOf: around === undefined ? undefined : { reference: around },
    });
  }
  return around === undefined ? undefined : { reference: around };
}
