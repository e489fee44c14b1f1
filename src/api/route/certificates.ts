import type { FastifyRequest } from 'fastify';
import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done } from '../../web/schema.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  CertificateUpload,
  KeyOrder,
  NamedKey,
  TakenCertificate,
  WaitingKey,
  WaitingKeys,
} from '../contract/certificate.ts';

const tags = ['certificates'];
const onRequest = requirePermission('credential.manage');
const PATH = '/certificates/requests';

/** Private keys that are made on the engine's machine, and the certificates for them. */
export function certificateRoutes(app: Api, context: ApiContext): void {
  keyRoutes(app, context);
  uploadRoute(app, context);
  discardRoute(app, context);
}

const checkAll = (request: FastifyRequest): void =>
  checkSeesAll(principalOf(request), 'exchange keys of the production');

function keyRoutes(app: Api, context: ApiContext): void {
  const { engines } = context;
  app.get(
    PATH,
    {
      schema: {
        tags,
        summary: 'Keys that wait for their certificates, with the request for each.',
        response: { 200: WaitingKeys },
      },
      onRequest,
    },
    async (request) => {
      checkAll(request);
      return { keys: await engines.waitingKeys() };
    },
  );

  app.post(
    PATH,
    {
      schema: {
        tags,
        summary:
          'Makes a private key on the engine’s machine, which is never shown, and the request for its certificate.',
        body: KeyOrder,
        response: { 200: WaitingKey },
      },
      onRequest,
    },
    async (request) => {
      checkAll(request);
      const { name, ...detail } = request.body;
      const act = { action: 'certificate.request', object: `credential ${name}`, detail };
      return audited(context, request, act, () => engines.makeKey(request.body));
    },
  );
}

function uploadRoute(app: Api, context: ApiContext): void {
  app.post(
    `${PATH}/:name/certificate`,
    {
      schema: {
        tags,
        summary: 'Checks a signed certificate against the key that waits, and uses both.',
        params: NamedKey,
        body: CertificateUpload,
        response: { 200: TakenCertificate },
      },
      onRequest,
    },
    async (request) => {
      checkAll(request);
      const { name } = request.params;
      const act = { action: 'certificate.exchange', object: `credential ${name}` };
      return audited(context, request, act, () =>
        context.engines.takeCertificate({ name, certificate: request.body.certificate }),
      );
    },
  );
}

function discardRoute(app: Api, context: ApiContext): void {
  app.delete(
    `${PATH}/:name`,
    {
      schema: {
        tags,
        summary: 'Deletes a key that waits for its certificate.',
        params: NamedKey,
        response: { 200: Done },
      },
      onRequest,
    },
    async (request) => {
      checkAll(request);
      const { name } = request.params;
      const act = { action: 'certificate.discard', object: `credential ${name}` };
      return audited(context, request, act, async () => {
        const { discarded } = await context.engines.discardKey(name);
        if (!discarded) {
          throw new ApiError(404, 'NOT_FOUND', `no key waits for a certificate of ${name}`);
        }
        return { done: true as const };
      });
    },
  );
}
