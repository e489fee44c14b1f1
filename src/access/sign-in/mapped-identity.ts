import type { Identity } from '../rights/principal-for.ts';
import type { IdentityMapping } from './console-schema.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** Looks up a claim, an attribute or a header by the name written in `console.yaml`. */
export type StatementOf = (name: string) => unknown;

/**
 * Maps the statements of others about a person to an identity. Throws a SignInRefusal whose cause
 * names the missing claim or header, or the groups if none of them is mapped.
 */
export function mappedIdentity(
  told: StatementOf,
  mapping: IdentityMapping,
  { via, defaultUser }: { readonly via: string; readonly defaultUser: string },
): Identity {
  const claim = mapping.user ?? defaultUser;
  const name = told(claim);
  if (typeof name !== 'string' || name.trim() === '') {
    throw refused(
      `${claim} contains no name`,
      `set user to the claim or header that contains the name, for ${via}`,
    );
  }
  if (name.length > LONGEST_NAME || UNPRINTABLE.test(name)) {
    throw refused(
      `${claim} contains a name that is longer than ${LONGEST_NAME} characters or cannot be printed`,
      'set user to another claim or header',
    );
  }
  const groups = mapping.rolesFrom === undefined ? [] : texts(told(mapping.rolesFrom));
  const roles = new Set([
    ...(mapping.everybody ?? []),
    ...groups.flatMap((group) =>
      Object.hasOwn(mapping.roles ?? {}, group) ? (mapping.roles?.[group] ?? []) : [],
    ),
  ]);
  if (roles.size === 0) {
    const from = mapping.rolesFrom ?? 'rolesFrom (not set)';
    throw refused(
      groups.length === 0
        ? `${name}: ${from} is missing or empty, so there is no role`
        : `${name}: none of ${groups.slice(0, 20).map(printable).join(', ')} in ${from} is mapped to a role`,
      'make the provider send it, correct rolesFrom, or add the group under roles',
    );
  }
  return { name: name.trim(), roles: [...roles], scope: scopeOf(told, mapping, name), via };
}

/** A name appears in the audit log, in lists and on terminals. */
const LONGEST_NAME = 200;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function scopeOf(told: StatementOf, { scope = ['*'] }: IdentityMapping, name: string): string[] {
  return scope.flatMap((one) => {
    const attribute = /\{([^}]+)\}/.exec(one)?.[1];
    if (attribute === undefined) return [one];
    const values = texts(told(attribute)).filter((value) => /^[^\s:*]+$/.test(value));
    if (values.length === 0) {
      throw refused(
        `${name}: ${attribute}, which determines what may be seen, is missing or not one word`,
        'make the provider or proxy send it',
      );
    }
    return values.map((value) => one.replace(`{${attribute}}`, () => value));
  });
}

/** A list, or a text separated by commas or spaces. */
function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string');
  return typeof value === 'string' ? value.split(/[,\s]+/).filter((one) => one !== '') : [];
}

function refused(why: string, remedy: string): SignInRefusal {
  return new SignInRefusal(
    { status: 403, text: 'you are known, but have no rights here; ask an administrator' },
    why,
    remedy,
  );
}

/** Text from somebody else, made safe for a log or a page. */
const printable = (text: string): string =>
  text.slice(0, 100).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
