import { evaluator, isFhirPathInstalled } from '../path/fhir-path.ts';
import { definitions, elementsOf } from './element-types.ts';
import type { FhirFinding } from './finding.ts';
import { elementsIn, type Placed } from './walk.ts';

/** The invariants of FHIR that a resource breaks; none where `fhirpath` is not installed. */
export function brokenRules(resource: Readonly<Record<string, unknown>>): FhirFinding[] {
  if (!isFhirPathInstalled()) return [];
  return [...elementsIn(resource)].flatMap((placed) => brokenAt(placed));
}

function brokenAt(placed: Placed): FhirFinding[] {
  const { type, part, at } = placed;
  return elementsOf(type, part).rules.flatMap((key) => {
    const [severity, expression, text] = definitions().rules[key] ?? ['warning', 'true', ''];
    if (holds(expression, placed)) return [];
    return [{ severity, code: 'invariant', path: at, text: `${text.trim()} (${key})` }];
  });
}

/** An invariant that cannot be evaluated here, such as one that asks a terminology server, holds. */
function holds(expression: string, { value, type, part, root }: Placed): boolean {
  const evaluate = evaluator(expression, part === '' ? type : `${type}.${part}`);
  if (evaluate === undefined) return true;
  try {
    const result = evaluate(value, { resource: root, rootResource: root });
    return result.every((one) => one !== false);
  } catch {
    // it asks for something that is not at hand
    return true;
  }
}
