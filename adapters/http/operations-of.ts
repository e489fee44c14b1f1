import { DisableError, type LentInbound } from 'waybill/adapter';
import { type BodyCheck, bodyCheck, compiled, readDocument } from './body-check.ts';
import type { Access, Need } from './caller/authorize.ts';
import type { Scheme } from './caller/caller.ts';
import { schemesOf } from './caller/schemes.ts';
import type { httpInSettings } from './http-in-settings.ts';
import { scopesFor } from './method-scopes.ts';
import { type DeclaredScheme, type DeclaredSecurity, openApiOperations } from './openapi.ts';
import type { Operation } from './operation.ts';

type LentHere = Pick<
  LentInbound<typeof httpInSettings>,
  'settings' | 'credential' | 'verifier' | 'signal'
>;

/** Everything that a service answers, from its settings and its OpenAPI document. Throws a DisableError for what cannot be enforced. */
export async function operationsOf(lent: LentHere): Promise<readonly Operation[]> {
  const { openapi, path, methods, types, schema, callers, scopes, tls } = lent.settings;
  const needsCertificate = callers.some((one) => one?.kind === 'certificate');
  if (needsCertificate && (tls?.clientCertificate ?? 'none') === 'none') {
    throw new DisableError(
      'callers: kind certificate needs a tls block with clientCertificate: requested or required.',
    );
  }
  const all = schemesOf(lent, callers);
  const anybody = (method: string): Access =>
    all.length === 0 ? [] : [[{ schemes: all, scopes: scopesFor(method, scopes) }]];
  if (scopes.length > 0 && all.length === 0 && openapi === undefined) {
    throw new DisableError('scopes has no effect without callers: say who may call.');
  }
  if (openapi !== undefined) {
    return openApiOperations({
      document: await readDocument(openapi, 'openapi'),
      base: path.source.replace(/\/?\*?$/, ''),
      access: (security, method) =>
        security === undefined ? anybody(method) : enforced(lent, security, method),
    });
  }
  const check = schema === undefined ? undefined : await schemaCheck(schema);
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

async function schemaCheck(path: string): Promise<BodyCheck> {
  const schema = await readDocument(path, 'schema');
  return compiled(() => bodyCheck(schema), 'schema', path);
}

/** The security of a document with the schemes that serve it. */
function enforced(lent: LentHere, security: DeclaredSecurity, method: string): Access {
  const more = scopesFor(method, lent.settings.scopes);
  // An alternative without a scheme lets everybody in, whatever the others say.
  if (security.some((alternative) => alternative.length === 0)) return [];
  return security.map((alternative) =>
    alternative.map(
      ({ scheme, scopes }): Need => ({
        schemes: servingSchemes(lent, scheme),
        scopes: [...scopes, ...more],
      }),
    ),
  );
}

function servingSchemes(lent: LentHere, { name, kind, from }: DeclaredScheme): readonly Scheme[] {
  const { callers } = lent.settings;
  const named = callers.filter((one) => one?.scheme === name);
  const serving =
    named.length > 0
      ? named
      : callers.filter((one) => one?.kind === kind && one.scheme === undefined);
  if (serving.length === 0) {
    throw new DisableError(
      `openapi: the security scheme ${name} has no entry under callers. Add one of kind ${kind}${kind === 'bearer' ? ' with its verifier' : ''}.`,
    );
  }
  const placed = serving.map((one) =>
    one !== undefined && one.from.length === 0 && from !== undefined
      ? { ...one, from: [from] }
      : one,
  );
  return schemesOf(lent, placed);
}
