/** What SMART's scopes permit: create, read, update, delete, search. */
export type Letter = 'c' | 'r' | 'u' | 'd' | 's';

/** A scope of SMART on FHIR for resources. */
export interface SmartScope {
  readonly level: 'patient' | 'user' | 'system';
  /** A type of resource, or `*`. */
  readonly type: string;
  readonly letters: ReadonlySet<string>;
}

/** What scopes of SMART 1 are in those of SMART 2. */
const FIRST: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/**
 * Reads `patient/Observation.rs` (SMART 2) and `user/*.read` (SMART 1). Undefined for any other scope, and for one
 * that is limited to a search (`…?category=…`): what it does not cover must not be given.
 */
export function smartScope(text: string): SmartScope | undefined {
  const [, level, type, rights] =
    /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|(?=[cruds])c?r?u?d?s?)$/.exec(
      text,
    ) ?? [];
  if (level === undefined || type === undefined || rights === undefined) return undefined;
  const letters = new Set(FIRST[rights] ?? rights);
  return { level: level as SmartScope['level'], type, letters };
}

/**
 * Whether somebody with these scopes is told of all resources of a type: who may read and search them, of every patient.
 * Where no scopes of SMART are asked for, whoever has none of them is not limited by any.
 */
export function maySubscribe(
  scopes: readonly string[],
  type: string,
  { isSmart = false }: { readonly isSmart?: boolean } = {},
): boolean {
  const all = scopes.flatMap((text) => smartScope(text) ?? []);
  if (all.length === 0) return !isSmart;
  const whole = all.filter(({ level }) => level !== 'patient');
  return permits(whole, ['r', 's'], type);
}

/** Whether one of the scopes permits all of this for a type; undefined stands for all types. */
export function permits(
  scopes: readonly SmartScope[],
  letters: readonly Letter[],
  type: string | undefined,
): boolean {
  return letters.every((letter) =>
    scopes.some(
      (scope) => (scope.type === '*' || scope.type === type) && scope.letters.has(letter),
    ),
  );
}
