import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { type KeyMaterial, keyMaterial } from '../../credential/inspect/key-material.ts';
import type { Api } from '../../web/api.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  MadeToken,
  Material,
  MaterialQuestion,
  TokenKeys,
  TokenOrder,
  TokenQuestion,
  TokenReport,
} from '../contract/workbench.ts';

const tags = ['workbench'];

/** What a token, a certificate or a key is; and tokens made with a key of the production. */
export function workbenchRoutes(app: Api, context: ApiContext): void {
  tokenRoutes(app, context);
  signRoute(app, context);
  materialRoute(app);
}

const WHAT = 'use keys of the production';

function tokenRoutes(app: Api, { engines }: ApiContext): void {
  app.get(
    '/workbench/keys',
    {
      schema: {
        tags,
        summary: 'The credentials that sign and verify tokens (jwt-key).',
        response: { 200: TokenKeys },
      },
      onRequest: requirePermission('connection.test'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), WHAT);
      return { keys: await engines.tokenKeys() };
    },
  );

  app.post(
    '/workbench/token',
    {
      schema: {
        tags,
        summary: 'What a token says, and every check that a key of the production makes of it.',
        body: TokenQuestion,
        response: { 200: TokenReport },
      },
      onRequest: requirePermission('connection.test'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), WHAT);
      return engines.inspectToken(request.body);
    },
  );
}

function signRoute(app: Api, context: ApiContext): void {
  app.post(
    '/workbench/token/sign',
    {
      schema: {
        tags,
        summary: 'Makes a token with a key of the production, for trying.',
        body: TokenOrder,
        response: { 200: MadeToken },
      },
      onRequest: requirePermission('credential.sign'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), WHAT);
      const { key, claims, subject, audience, issuer } = request.body;
      const detail = { claims: Object.keys(claims), subject, audience, issuer };
      const act = { action: 'token.sign', object: `credential ${key}`, detail };
      return audited(context, request, act, () => context.engines.signToken(request.body));
    },
  );
}

/** Milliseconds since 1970 instead of dates, and what is of certificates under a key of its own. */
function shownItem(item: KeyMaterial['items'][number]): Material['items'][number] {
  const { file, form, kind } = item;
  if (item.kind === 'certificate') {
    const { subject, issuer, names, fingerprint, serial, authority, selfSigned, usage } = item;
    const { type, weak, publicFingerprint } = item.key;
    const [notBefore, notAfter] = [item.notBefore.getTime(), item.notAfter.getTime()];
    const own = { subject, issuer, names, fingerprint, serial, authority, selfSigned, usage };
    const certificate = { ...own, notBefore, notAfter };
    return { file, form, kind, type, weak, publicFingerprint, certificate };
  }
  if (!('type' in item)) return { file, form, kind, note: item.note };
  const { type, weak, publicFingerprint, note } = item;
  return { file, form, kind, type, weak, publicFingerprint, note };
}

function materialRoute(app: Api): void {
  app.post(
    '/workbench/certificate',
    {
      schema: {
        tags,
        summary:
          'What certificates and keys are, and whether they belong together. Nothing is kept.',
        body: MaterialQuestion,
        response: { 200: Material },
      },
      onRequest: requirePermission('connection.test'),
    },
    async (request) => {
      const { files, passphrase } = request.body;
      const read = files.map(({ name, content }) => ({
        name,
        bytes: Buffer.from(content, 'base64'),
        passphrase,
      }));
      const { items, notes } = await keyMaterial(read, Date.now());
      return { items: items.map(shownItem), notes };
    },
  );
}
