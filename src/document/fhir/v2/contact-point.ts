import { codeIn } from './codes.ts';
import type { Element } from './json.ts';
import type { Part } from './part.ts';

const EXTENSION = 'http://hl7.org/fhir/StructureDefinition/contactpoint-';

/** The parts of a telephone number that FHIR keeps as extensions. */
const NUMBER_PARTS = [
  [5, 'country'],
  [6, 'area'],
  [7, 'local'],
  [8, 'extension'],
] as const;

/** XTN as a ContactPoint; undefined if it has no number or address. */
export function contactPoint(part: Part): Element | undefined {
  const isMail = isMailAddress(part);
  const value = isMail ? mailAddress(part) : telephone(part);
  if (value === undefined) return undefined;
  const equipment = part.child(3)?.use();
  const system = equipment === undefined ? undefined : codeIn('TelecomSystem', equipment)?.code;
  return {
    extension: isMail ? [] : numberParts(part),
    system: isMail ? 'email' : (system ?? 'phone'),
    value,
    use: equipment === 'CP' ? 'mobile' : useOf(part),
    rank: rankOf(part),
  };
}

function isMailAddress(part: Part): boolean {
  const equipment = part.child(3)?.peek();
  if (equipment === undefined) return part.child(4) !== undefined;
  return codeIn('TelecomSystem', equipment)?.code === 'email';
}

function useOf(part: Part): string | undefined {
  const use = part.child(2)?.peek();
  const found = use === undefined ? undefined : codeIn('TelecomUse', use)?.code;
  if (found !== undefined) part.child(2)?.use();
  return found;
}

function mailAddress(part: Part): string | undefined {
  return part.child(4)?.use() ?? part.child(1)?.use() ?? part.child(12)?.use();
}

function telephone(part: Part): string | undefined {
  const [country, area, local, extension] = NUMBER_PARTS.map(([at]) => part.child(at)?.use());
  const whole = part.child(12)?.use() ?? part.child(1)?.use();
  if (whole !== undefined) return whole;
  if (local === undefined) return part.child(4)?.use();
  const parts = [
    country === undefined ? undefined : `+${country.replace(/^\+/, '')}`,
    area,
    local,
    extension === undefined ? undefined : `X${extension}`,
  ];
  return parts.filter((one) => one !== undefined).join(' ');
}

function numberParts(part: Part): Element[] {
  return NUMBER_PARTS.flatMap(([at, name]) => {
    const value = part.child(at)?.peek();
    return value === undefined ? [] : [{ url: `${EXTENSION}${name}`, valueString: value }];
  });
}

function rankOf(part: Part): number | undefined {
  const rank = Number(part.child(18)?.use());
  return Number.isInteger(rank) && rank > 0 ? rank : undefined;
}
