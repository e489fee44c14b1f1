import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { Value } from 'typebox/value';
import { describeError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { BUILT_IN_ROLES, checkRoles, type Roles } from '../rights/roles.ts';
import { checkScope } from '../rights/scope.ts';
import { ConsoleFile, type HeaderSettings, type IdentityMapping } from './console-schema.ts';

/** What does not fit the shape of `console.yaml`: unknown keys, wrong kinds of values. */
export function shapeProblems(written: unknown): string[] {
  const problems: string[] = [];
  for (const error of Value.Errors(ConsoleFile, written)) {
    const { instancePath, keyword, message } = error;
    const path = instancePath.slice(1).replaceAll('/', '.');
    if (keyword === 'boolean') {
      const key = path.split('.').at(-1) ?? path;
      const near = nearest(key, Object.keys(ConsoleFile.properties));
      problems.push(
        `${path} is not a setting${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    } else if (keyword !== 'additionalProperties') {
      problems.push(`${path === '' ? 'it' : path} ${message}`);
    }
  }
  return problems;
}

/** What is wrong in `console.yaml` beyond its shape, each with its place. */
export function meaningProblems(written: ConsoleFile, folder: string): string[] {
  const own = Object.keys(written.roles ?? {});
  const roles = new Map([...BUILT_IN_ROLES, ...Object.entries(written.roles ?? {})]);
  const mappings: readonly (readonly [string, IdentityMapping])[] = [
    ...(written.oidc ?? []).map((one, n) => [`oidc.${n}`, one] as const),
    ...(written.tokens ?? []).map((one, n) => [`tokens.${n}`, one] as const),
    ...(written.header === undefined ? [] : [['header', written.header] as const]),
  ];
  return [
    ...own
      .filter((name) => BUILT_IN_ROLES.has(name))
      .map((name) => `roles.${name}: that role is built in; name yours otherwise`),
    ...mappings.flatMap(([path, mapping]) => mappingProblems(path, mapping, roles)),
    ...mechanismProblems(written, folder),
    ...traceUrlProblems(written),
  ];
}

function traceUrlProblems({ traceUrl }: ConsoleFile): string[] {
  if (traceUrl === undefined || /^https?:\/\/[^\s{}]*\{traceId\}[^\s{}]*$/.test(traceUrl))
    return [];
  return ['traceUrl: write an http or https address with {traceId} where the id of the trace goes'];
}

function mappingProblems(path: string, mapping: IdentityMapping, roles: Roles): string[] {
  const { roles: to = {}, everybody = [], scope = [] } = mapping;
  const given = [...Object.values(to), ...everybody];
  return [
    ...problemOf(`${path}.roles`, () => checkRoles(given, roles)),
    ...problemOf(`${path}.scope`, () => checkScope(scope)),
    ...(given.length === 0 ? [`${path}: nobody would get a role; write roles or everybody`] : []),
  ];
}

function mechanismProblems(written: ConsoleFile, folder: string): string[] {
  const { header, delegated, passwords, oidc = [] } = written;
  const problems = header === undefined ? [] : headerProblems(header);
  if (delegated !== undefined && !existsSync(resolve(folder, delegated))) {
    problems.push(`delegated: there is no file ${delegated}`);
  }
  if (passwords === false && oidc.length === 0) {
    problems.push('passwords: false would leave nobody a way in that can be tested; add oidc');
  }
  return problems;
}

function headerProblems({ secret, secretHeader, from }: HeaderSettings): string[] {
  const strange = from.filter((one) => !isNetwork(one));
  return [
    ...((secret === undefined) === (secretHeader === undefined)
      ? []
      : ['header: secret and secretHeader belong together']),
    ...strange.map((one) => `header.from: ${one} is no address and no network such as 10.0.0.0/8`),
  ];
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '0'] = text.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

function problemOf(path: string, check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [`${path}: ${describeError(error).text}`];
  }
}
