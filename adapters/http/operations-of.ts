import { stat } from 'node:fs/promises';
import { type LentInbound, type SettingsFault, type SharedAddress, unless } from 'waybill/adapter';
import { disabledBy } from 'waybill/peer/basics';
import {
  type Access,
  certificateFaults,
  commonOf,
  type Need,
  type Scheme,
  schemesOf,
} from 'waybill/peer/http-server';
import { acknowledgeFaults } from 'waybill/peer/reply';
import { type Tell, tellInto } from './document/faults.ts';
import { anything, schemaCheck } from './document/json-schema.ts';
import { openApiOperations } from './document/openapi.ts';
import {
  type DocumentNode,
  object,
  type ReadDocument,
  readDocument,
} from './document/read-document.ts';
import { tellOfReferences } from './document/reference-faults.ts';
import type { DeclaredNeed, DeclaredSecurity } from './document/security.ts';
import { asOpenApi, inSwaggerWords, isSwagger } from './document/swagger.ts';
import { isAbsent } from './files/file-tree.ts';
import type { HttpInValues, httpInSettings } from './http-in-settings.ts';
import { scopesFor } from './method-scopes.ts';
import type { BodyCheck, Operation } from './operation.ts';
import { signInFaults } from './sign-in/sign-in-faults.ts';
import { signInOperations } from './sign-in/sign-in-settings.ts';

type LentHere = Pick<
  LentInbound<typeof httpInSettings>,
  'settings' | 'credential' | 'verifier' | 'signal'
>;

/** Everything that a service answers, from its settings and its OpenAPI document. Throws a DisableError for what cannot be enforced. */
export async function operationsOf(lent: LentHere): Promise<readonly Operation[]> {
  const faults: SettingsFault[] = [];
  const operations = await readOperations(lent, faults);
  const disabled = disabledBy(faults);
  if (disabled !== undefined) throw disabled;
  return operations;
}

const unasked = (): Promise<never> => Promise.reject(new TypeError('there is no sign-in here'));

/** Problems between the settings and in the documents they name, before anything is opened. */
export async function httpInFaults(settings: HttpInValues): Promise<readonly SettingsFault[]> {
  const faults: SettingsFault[] = [];
  await readUnopened(settings, faults);
  return faults;
}

/** What a service claims at its address, and what all services there have in common. */
export async function httpInSharing(settings: HttpInValues): Promise<SharedAddress> {
  const operations = await readUnopened(settings, []);
  return {
    family: 'http',
    takes: [...operations.map(claimOf), ...filesClaims(settings)],
    common: { name: 'tls', value: commonOf(settings) },
  };
}

/** What a service answers, so that no other one at the same address can: independent of parameter names. */
export const claimOf = ({ method, pattern }: Pick<Operation, 'method' | 'pattern'>): string =>
  `${method} ${pattern.shape}`;

/** What a folder of files answers. */
export const filesClaims = ({ files }: Pick<HttpInValues, 'files'>): readonly string[] =>
  files === undefined ? [] : [`GET ${files.path}/*`, `HEAD ${files.path}/*`];

function readUnopened(
  settings: HttpInValues,
  faults: SettingsFault[],
): Promise<readonly Operation[]> {
  const { signal } = new AbortController();
  return readOperations({ settings, credential: unasked, verifier: unasked, signal }, faults);
}

async function readOperations(
  lent: LentHere,
  faults: SettingsFault[],
): Promise<readonly Operation[]> {
  faults.push(...callerFaults(lent.settings), ...signInFaults(lent.settings));
  faults.push(...acknowledgeFaults(lent.settings));
  faults.push(...(await filesFaults(lent.settings)));
  return [...(await messageOperations(lent, faults)), ...signInRoutes(lent.settings)];
}

function signInRoutes({ signIn }: HttpInValues): readonly Operation[] {
  const operations = signIn === undefined ? [] : signInOperations(signIn);
  return operations.map(({ action, method, pattern }) => ({
    method,
    pattern,
    access: [],
    types: [],
    check: () => undefined,
    bodyRequired: false,
    parameters: () => [],
    signIn: action,
  }));
}

async function filesFaults({ files, path, openapi }: HttpInValues): Promise<SettingsFault[]> {
  if (files === undefined) return [];
  if (openapi === undefined && path.source === '/*' && files.path === '') {
    return [
      {
        path: ['files', 'path'],
        what: 'no file would be served, since path is /* and so all paths are those of messages',
        remedy: 'Give path a beginning of its own, such as /api/*.',
      },
    ];
  }
  const there = await stat(files.folder).catch(unless(isAbsent, 'looking for a served folder'));
  return there?.isDirectory() === true
    ? []
    : [
        {
          path: ['files', 'folder'],
          what: 'there is no such folder now',
          remedy: 'It is read with each request; build the app, or correct the path.',
          severity: 'warning',
        },
      ];
}

async function messageOperations(
  lent: LentHere,
  faults: SettingsFault[],
): Promise<readonly Operation[]> {
  const { openapi, methods, path, types, callers, scopes } = lent.settings;
  const all = schemesOf(lent, callers);
  const anybody = (method: string): Access =>
    all.length === 0 ? [] : [[{ schemes: all, scopes: scopesFor(method, scopes) }]];
  if (openapi !== undefined) return documented(lent, { openapi, anybody, faults });
  const check = await bodyCheckOf(lent.settings, faults);
  return methods.map((method) => ({
    method: method.toUpperCase(),
    pattern: path,
    access: anybody(method.toUpperCase()),
    types: types.map((type) => type.toLowerCase()),
    check: () => check,
    bodyRequired: check !== undefined && /^(POST|PUT|PATCH)$/i.test(method),
    parameters: () => [],
  }));
}

function callerFaults({ callers, tls, scopes, openapi, methods }: HttpInValues): SettingsFault[] {
  const faults = certificateFaults({ callers, tls });
  if (scopes.length > 0 && callers.length === 0 && openapi === undefined) {
    const what = 'it has no effect without callers';
    faults.push({ path: ['scopes'], what, remedy: 'Say under callers who may call.' });
  }
  const accepted = new Set(['*', ...methods.map((method) => method.toUpperCase())]);
  for (const { method } of openapi === undefined ? scopes : []) {
    if (accepted.has(method)) continue;
    faults.push({
      path: ['scopes'],
      what: `${method} is not among methods, so nobody is asked for its scopes`,
      remedy: 'Add it to methods, or correct it here.',
    });
  }
  return faults;
}

async function documented(
  lent: LentHere,
  {
    openapi,
    anybody,
    faults,
  }: {
    readonly openapi: string;
    readonly anybody: (method: string) => Access;
    readonly faults: SettingsFault[];
  },
): Promise<readonly Operation[]> {
  const read = await readDocument(openapi, 'openapi');
  if (!('value' in read)) {
    faults.push(read);
    return [];
  }
  const { document, tell } = asOpenApi3(read, faults);
  const operations = openApiOperations({
    document: document.value,
    base: lent.settings.path.source.replace(/\/?\*?$/, ''),
    tell,
    access: (security, method) =>
      security === undefined
        ? anybody(method)
        : enforced(lent, security, {
            method,
            unserved: ({ keys, scheme: { name, kind } }) =>
              tell(
                keys,
                `the security scheme ${name} has no entry under callers`,
                `Add one of kind ${kind}${kind === 'bearer' ? ' with its verifier' : ''}.`,
              ),
          }),
  });
  faults.push(...namelessCallers(lent.settings, document.value));
  return operations;
}

/** The document, whichever of both it is, and who hears of its faults. */
function asOpenApi3(
  read: ReadDocument,
  faults: SettingsFault[],
): { readonly document: ReadDocument; readonly tell: Tell } {
  if (!isSwagger(read)) {
    return { document: read, tell: tellInto(faults, { setting: 'openapi', document: read }) };
  }
  const document = asOpenApi(read);
  const tell = inSwaggerWords(tellInto(faults, { setting: 'openapi', document }));
  for (const keys of document.forms) {
    const what = 'the fields of a form are not checked, only its media type';
    tell(keys, what, 'Check them in a rule or transform.', 'warning');
  }
  return { document, tell };
}

/** Callers with schemes that are not in the document. */
function namelessCallers({ callers }: HttpInValues, document: DocumentNode): SettingsFault[] {
  const declared = object(object(document['components'])['securitySchemes']);
  return callers.flatMap((one, at) =>
    one?.scheme === undefined || Object.hasOwn(declared, one.scheme)
      ? []
      : {
          path: ['callers', String(at), 'scheme'],
          what: `the document declares no security scheme ${one.scheme}`,
          remedy: `It has ${Object.keys(declared).join(', ') || 'none'}.`,
        },
  );
}

async function bodyCheckOf(
  { schema }: HttpInValues,
  faults: SettingsFault[],
): Promise<BodyCheck | undefined> {
  if (schema === undefined) return undefined;
  const document = await readDocument(schema, 'schema');
  if (!('value' in document)) {
    faults.push(document);
    return anything;
  }
  const tell = tellInto(faults, { setting: 'schema', document });
  tellOfReferences(document.value, tell);
  return schemaCheck(document.value, { keys: [], tell });
}

/** The security of a document, with the schemes that implement it. */
function enforced(
  lent: LentHere,
  security: DeclaredSecurity,
  {
    method,
    unserved,
  }: { readonly method: string; readonly unserved: (need: DeclaredNeed) => void },
): Access {
  const more = scopesFor(method, lent.settings.scopes);
  // An alternative without a scheme lets everybody in, whatever the others say.
  if (security.some((alternative) => alternative.length === 0)) return [];
  return security.map((alternative) =>
    alternative.map((need): Need => {
      const schemes = servingSchemes(lent, need);
      if (schemes.length === 0) unserved(need);
      return { schemes, scopes: [...need.scopes, ...more] };
    }),
  );
}

function servingSchemes(
  lent: LentHere,
  { scheme: { name, kind, from } }: DeclaredNeed,
): readonly Scheme[] {
  const { callers } = lent.settings;
  const named = callers.filter((one) => one?.scheme === name);
  const serving =
    named.length > 0
      ? named
      : callers.filter((one) => one?.kind === kind && one.scheme === undefined);
  const placed = serving.map((one) =>
    one !== undefined && one.from.length === 0 && from !== undefined
      ? { ...one, from: [from] }
      : one,
  );
  return schemesOf(lent, placed);
}
