import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import type * as Yaml from 'yaml';
import { ConfigError } from '../../error/adapter-error.ts';
import { describeError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { milliseconds } from '../../time/duration.ts';
import { onFirstUse } from '../../time/on-first-use.ts';
import { isLoopback } from '../../web/networks.ts';
import type { MaskPaths, Places } from '../rights/field-mask.ts';
import { BUILT_IN_ROLES, checkRoles, grantOf, type Roles } from '../rights/roles.ts';
import { checkScope } from '../rights/scope.ts';
import { type AlertSettings, alertProblems, alertSettingsOf } from './alert-settings.ts';
import {
  ConsoleFile,
  type HeaderSettings,
  type IdentityMapping,
  type IssuerSettings,
  type OidcSettings,
} from './console-schema.ts';
import {
  type DirectorySettings,
  directoryProblems,
  directorySettings,
} from './directory/directory-settings.ts';
import {
  type KerberosSettings,
  kerberosProblems,
  kerberosSettings,
} from './kerberos/kerberos-settings.ts';
import { type SamlSettings, samlProblems, samlSettings } from './saml/saml-settings.ts';
import { SESSION_LIMITS, type SessionLimits } from './sessions.ts';

const yaml = onFirstUse<typeof Yaml>('yaml');

/** `console.yaml` with all defaults filled in. */
export interface ConsoleSettings {
  /** The address that browsers see, if there is a proxy in front. */
  readonly publicUrl: string | undefined;
  readonly publicOrigin: string | undefined;
  /** Whether local users may sign in with their password. */
  readonly passwords: boolean;
  readonly session: SessionLimits;
  readonly secondFactor: FactorSettings;
  /** The built-in ones and the installation's own. */
  readonly roles: Roles;
  readonly mask: MaskPaths;
  readonly oidc: readonly OidcSettings[];
  readonly ldap: readonly DirectorySettings[];
  readonly saml: readonly SamlSettings[];
  readonly kerberos: readonly KerberosSettings[];
  readonly tokens: readonly IssuerSettings[];
  readonly header: HeaderSettings | undefined;
  readonly cors: CorsSettings | undefined;
  /** File of a module that signs people in. */
  readonly delegated: string | undefined;
  /** Milliseconds without a successful external sign-in after which passwords are allowed again. */
  readonly rollbackAfter: number;
  /** Whether anybody can sign in other than as a local user. */
  readonly external: boolean;
  /**
   * Changes whenever anything about the external sign-in changes: a test only counts for the
   * settings that were tested.
   */
  readonly digest: string;
  /** Address of a trace in another system; `{traceId}` stands for its id. */
  readonly traceUrl: string | undefined;
  /** How many messages somebody may act on at once who lacks `message.bulk_unlimited`. */
  readonly bulkLimit: number;
  readonly alerts: AlertSettings;
  /** Names of other productions that the console shows; `*` for all of its NATS. */
  readonly productions: readonly string[];
  /** Search fields whose values identify a patient; undefined recognises them by path and name. */
  readonly patientFields: readonly string[] | undefined;
}

/** Who needs more than a password. */
export interface FactorSettings {
  /** Whether everybody needs a second factor, or who has one of these roles: see `needsFactor`. */
  readonly required: boolean | readonly string[];
  /** Whether people of a directory have one here too. */
  readonly ldap: boolean;
}

export interface CorsSettings {
  readonly origins: readonly string[];
  readonly headers: readonly string[];
  readonly credentials: boolean;
  readonly maxAge: number;
}

const BULK_LIMIT = 500;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of an installation without a `console.yaml`. */
export const DEFAULT_CONSOLE: ConsoleSettings = settingsOf({}, '.');

/**
 * Reads `console.yaml`; the defaults if there is none. Throws a ConfigError with every problem. `assume`
 * treats missing environment variables and secret files as present.
 */
export async function readConsoleSettings(
  file: string,
  environment: Environment,
  assume = false,
): Promise<ConsoleSettings> {
  if (!existsSync(file)) return DEFAULT_CONSOLE;
  const problems: string[] = [];
  let written: unknown;
  try {
    written = withValues(yaml().parse(readFileSync(file, 'utf8')) ?? {}, environment, {
      folder: dirname(file),
      problems,
      assume,
      path: '',
    });
  } catch (error) {
    throw new ConfigError([`${file} cannot be read: ${yamlText(error)}`]);
  }
  problems.push(...(await shapeProblems(written)));
  if (problems.length === 0)
    problems.push(...meaningProblems(written as ConsoleFile, dirname(file)));
  if (problems.length > 0) throw new ConfigError(problems.map((one) => `console.yaml: ${one}`));
  return settingsOf(written as ConsoleFile, dirname(file));
}

function settingsOf(written: ConsoleFile, folder: string): ConsoleSettings {
  const { publicUrl, passwords = true } = written;
  const roles = new Map([...BUILT_IN_ROLES, ...Object.entries(written.roles ?? {})]);
  return {
    publicUrl: publicUrl?.replace(/\/?$/, '/'),
    publicOrigin: publicUrl === undefined ? undefined : new URL(publicUrl).origin,
    passwords,
    session: sessionOf(written),
    secondFactor: factorOf(written),
    ...mechanismsOf(written, folder, roles),
    roles,
    mask: maskOf(written),
    cors: corsOf(written),
    rollbackAfter: timeOf(written.rollbackAfter, 30 * 60_000),
    traceUrl: written.traceUrl,
    bulkLimit: written.bulkLimit ?? BULK_LIMIT,
    alerts: alertSettingsOf(written.alerts),
    productions: written.productions ?? [],
    patientFields: written.patientFields,
  };
}

/** The ways to sign in other than as a local user. */
function mechanismsOf(
  {
    oidc = [],
    ldap = [],
    saml = [],
    kerberos = [],
    tokens = [],
    header,
    delegated: file,
  }: ConsoleFile,
  folder: string,
  roles: Roles,
): Pick<
  ConsoleSettings,
  'oidc' | 'ldap' | 'saml' | 'kerberos' | 'tokens' | 'header' | 'delegated' | 'external' | 'digest'
> {
  const delegated = file === undefined ? undefined : resolve(folder, file);
  return {
    oidc: oidc.map((one) => withTrust(one, folder)),
    ldap: ldap.map((one) => directorySettings(one, folder)),
    saml: saml.map((one) => samlSettings(one, folder)),
    kerberos: kerberos.map((one) => kerberosSettings(one, folder)),
    tokens: tokens.map((one) => withTrust(one, folder)),
    header,
    delegated,
    external:
      [...oidc, ...ldap, ...saml, ...kerberos, ...tokens].length > 0 ||
      (header ?? delegated) !== undefined,
    digest: createHash('sha256')
      .update(
        JSON.stringify([
          oidc,
          tokens,
          header,
          delegated,
          [...roles],
          ...ldap,
          ...saml,
          ...kerberos,
        ]),
      )
      .digest('hex'),
  };
}

/** Whether somebody with these roles needs a second factor. A role for one production counts as the role. */
export function needsFactor(
  { secondFactor: { required }, roles }: Pick<ConsoleSettings, 'secondFactor' | 'roles'>,
  named: readonly string[],
): boolean {
  if (typeof required === 'boolean') return required;
  return named.some((one) =>
    required.some((role) => [one, grantOf(one, roles).role].includes(role)),
  );
}

function factorOf({ secondFactor = {} }: ConsoleFile): FactorSettings {
  const { required = false, ldap = false } = secondFactor;
  return { required, ldap };
}

function factorProblems({ secondFactor = {}, ldap = [] }: ConsoleFile, roles: Roles): string[] {
  const { required = false, ldap: directories = false } = secondFactor;
  return [
    ...(typeof required === 'boolean'
      ? []
      : problemOf('secondFactor.required', () => checkRoles(required, roles))),
    ...(directories && ldap.length === 0
      ? ['secondFactor.ldap: there is no directory; add one under ldap, or leave this out']
      : []),
  ];
}

function sessionOf({ session = {} }: ConsoleFile): SessionLimits {
  return {
    idle: timeOf(session.idle, SESSION_LIMITS.idle),
    absolute: timeOf(session.absolute, SESSION_LIMITS.absolute),
  };
}

/** As it is written: parts may be left out. */
type PlacesFile = { readonly [Kind in keyof Places]?: Places[Kind] | undefined };

function placesOf({
  hl7 = [],
  x12 = [],
  edifact = [],
  astm = [],
  dicom = [],
  json = [],
  xml = [],
  delimited = [],
}: PlacesFile): Places {
  return { hl7, x12, edifact, astm, dicom, json, xml, delimited };
}

function maskOf({ mask = {} }: ConsoleFile): MaskPaths {
  return { ...placesOf(mask), shown: placesOf(mask.shown ?? {}) };
}

function corsOf({ cors }: ConsoleFile): CorsSettings | undefined {
  if (cors === undefined) return undefined;
  return {
    origins: cors.origins,
    headers: cors.headers ?? ['content-type', 'authorization', 'x-csrf-token', 'idempotency-key'],
    credentials: cors.credentials ?? false,
    maxAge: timeOf(cors.maxAge, 600_000),
  };
}

function timeOf(text: string | undefined, or: number): number {
  return text === undefined ? or : (milliseconds(text) ?? or);
}

interface Replacing {
  readonly folder: string;
  readonly problems: string[];
  readonly assume: boolean;
  readonly path: string;
}

/** A value that fits wherever a text or an address may stand. */
const ASSUMED = 'https://assumed.invalid';

/** Inserts the values of `${env:NAME}` and `${file:path}`. */
function withValues(value: unknown, environment: Environment, at: Replacing): unknown {
  if (typeof value === 'string') return valueOf(value, environment, at);
  const inside = (key: string, one: unknown): unknown =>
    withValues(one, environment, { ...at, path: `${at.path}${key}.` });
  if (Array.isArray(value)) return value.map((one, n) => inside(String(n), one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inside(key, one)]));
}

function valueOf(
  text: string,
  environment: Environment,
  { folder, problems, assume, path }: Replacing,
): string {
  const [, kind, name = ''] = /^\$\{(env|file):([^}]+)\}$/.exec(text) ?? [];
  if (kind === undefined) return text;
  const file = resolve(folder, name);
  const found =
    kind === 'env'
      ? environment[name]
      : existsSync(file)
        ? readFileSync(file, 'utf8').trim()
        : undefined;
  if (found !== undefined && found !== '') return found;
  if (assume) return ASSUMED;
  problems.push(
    `${path.slice(0, -1)}: ${kind === 'env' ? 'the environment has no' : 'there is no file'} ${name}`,
  );
  return text;
}

/** The parser's text quotes the line, which may contain a secret, so only the position is reported. */
function yamlText(error: unknown): string {
  const { linePos } = error as {
    linePos?: readonly { readonly line: number; readonly col: number }[];
  };
  const [place] = linePos ?? [];
  return place === undefined
    ? describeError(error).text
    : `not valid YAML at ${place.line}:${place.col}`;
}

/** What does not fit the shape of `console.yaml`: unknown keys, wrong kinds of values. */
async function shapeProblems(written: unknown): Promise<string[]> {
  const { Errors } = await import('typebox/schema');
  const problems: string[] = [];
  const [, errors] = Errors(ConsoleFile, written);
  for (const { instancePath, keyword, message } of errors) {
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

/** What is wrong in `console.yaml` beyond its shape, each with its path. */
function meaningProblems(written: ConsoleFile, folder: string): string[] {
  const own = Object.keys(written.roles ?? {});
  const roles = new Map([...BUILT_IN_ROLES, ...Object.entries(written.roles ?? {})]);
  const mappings: readonly (readonly [string, IdentityMapping])[] = [
    ...(written.oidc ?? []).map((one, n) => [`oidc.${n}`, one] as const),
    ...(written.ldap ?? []).map((one, n) => [`ldap.${n}`, one] as const),
    ...(written.saml ?? []).map((one, n) => [`saml.${n}`, one] as const),
    ...(written.kerberos ?? []).flatMap((one, n) =>
      one.ldap === undefined ? [[`kerberos.${n}`, one] as const] : [],
    ),
    ...(written.tokens ?? []).map((one, n) => [`tokens.${n}`, one] as const),
    ...(written.header === undefined ? [] : [['header', written.header] as const]),
  ];
  return [
    ...own
      .filter((name) => BUILT_IN_ROLES.has(name))
      .map((name) => `roles.${name}: that role is built in; give yours another name`),
    ...mappings.flatMap(([path, mapping]) => mappingProblems(path, mapping, roles)),
    ...mechanismProblems(written, folder),
    ...factorProblems(written, roles),
    ...traceUrlProblems(written),
    ...alertProblems(written.alerts),
  ];
}

function traceUrlProblems({ traceUrl }: ConsoleFile): string[] {
  if (traceUrl === undefined || /^https?:\/\/[^\s{}]*\{traceId\}[^\s{}]*$/.test(traceUrl))
    return [];
  return ['traceUrl: write an http or https address with {traceId} where the id of the trace goes'];
}

const withTrust = <Entry extends { readonly trust?: string | undefined }>(
  entry: Entry,
  folder: string,
): Entry => (entry.trust === undefined ? entry : { ...entry, trust: resolve(folder, entry.trust) });

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
  const { header, delegated } = written;
  return [
    ...(header === undefined ? [] : headerProblems(header)),
    ...(delegated === undefined || existsSync(resolve(folder, delegated))
      ? []
      : [`delegated: there is no file ${delegated}`]),
    ...entryProblems('oidc', written.oidc, (one) => trustProblems(one, folder)),
    ...entryProblems('tokens', written.tokens, (one) => [
      ...trustProblems(one, folder),
      ...(isSafeAddress(one.jwks)
        ? []
        : ['jwks: write an address with https://, since the keys there decide who gets in']),
    ]),
    ...entryProblems('ldap', written.ldap, (one) => directoryProblems(one, folder)),
    ...entryProblems('saml', written.saml, (one) => [
      ...trustProblems(one, folder),
      ...samlProblems(one, folder),
    ]),
    ...entryProblems('kerberos', written.kerberos, (one) => kerberosProblems(one, written, folder)),
    ...namingProblems(written),
  ];
}

const trustProblems = (
  { trust }: { readonly trust?: string | undefined },
  folder: string,
): string[] =>
  trust === undefined || existsSync(resolve(folder, trust))
    ? []
    : [`trust: there is no file ${trust}`];

/** Over TLS, or on this machine. */
function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
  );
}

/** The problems of each entry, with its place. */
const entryProblems = <Entry>(
  key: string,
  entries: readonly Entry[] | undefined,
  problemsOf: (entry: Entry) => readonly string[],
): string[] =>
  (entries ?? []).flatMap((one, n) => problemsOf(one).map((problem) => `${key}.${n}.${problem}`));

function namingProblems({
  passwords,
  oidc = [],
  ldap = [],
  saml = [],
  kerberos = [],
}: ConsoleFile): string[] {
  const names = [...oidc, ...ldap, ...saml, ...kerberos].map(({ name }) => name);
  const twice = new Set(names.filter((one, at) => names.indexOf(one) !== at));
  return [
    ...[...twice].map(
      (name) => `two ways to sign in are named ${name}; each needs a name of its own`,
    ),
    ...(passwords === false && names.length === 0
      ? [
          'passwords: false would leave no way to sign in that can be tested; add oidc, saml, kerberos or ldap',
        ]
      : []),
  ];
}

function headerProblems({ secret, secretHeader, from }: HeaderSettings): string[] {
  const strange = from.filter((one) => !isNetwork(one));
  return [
    ...((secret === undefined) === (secretHeader === undefined)
      ? []
      : ['header: secret and secretHeader belong together']),
    ...strange.map(
      (one) => `header.from: ${one} is neither an address nor a network such as 10.0.0.0/8`,
    ),
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
