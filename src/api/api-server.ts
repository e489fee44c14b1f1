import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { dirname } from 'node:path';
import { Server as TlsServer } from 'node:tls';

import fastify, {
  type FastifyPluginAsync,
  type FastifyPluginCallback,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { RelayedCallers } from '../access/sign-in/relayed-callers.ts';
import type { AnswerRelayed } from '../control/relay-server.ts';
import { background } from '../error/background.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { Logger } from '../log/logger.ts';
import { trialRecords } from '../operator/trial-records.ts';
import { remembered } from '../time/remembered.ts';
import {
  admitBodies,
  admitConnections,
  BODY_LIMIT,
  LOOK_EVERY,
  REQUEST_TIMEOUT,
} from '../web/admission.ts';
import type { Api } from '../web/api.ts';
import { ApiError } from '../web/api-error.ts';
import { API_PREFIX } from '../web/api-prefix.ts';
import { DEEPEST, isTooDeep } from '../web/json-depth.ts';
import { lazySchemas } from '../web/lazy-schemas.ts';
import { isAmong, withoutPorts } from '../web/networks.ts';
import { notFound, sendProblem } from '../web/problem.ts';
import { securityHeaders } from '../web/security-headers.ts';
import { consoleFiles, readConsole, tellVersion } from './console-files.ts';
import type { ApiContext } from './context.ts';
import { relayedAnswers } from './relayed.ts';
import { acrossRoutes } from './route/across.ts';
import { actRoutes } from './route/acts.ts';
import { alertRoutes } from './route/alerts.ts';
import { bodyRoutes } from './route/bodies.ts';
import { certificateRoutes } from './route/certificates.ts';
import { comparisonRoutes } from './route/comparison.ts';
import { draftRoutes } from './route/drafts.ts';
import { eventRoutes } from './route/events.ts';
import { exportRoutes } from './route/export.ts';
import { historyRoutes } from './route/history.ts';
import { hostRoutes } from './route/hosts.ts';
import { jobRoutes } from './route/jobs.ts';
import { keptRoutes } from './route/kept.ts';
import { documentRoutes, healthRoutes, publicKeyRoutes } from './route/machines.ts';
import { maintenanceRoutes } from './route/maintenance.ts';
import { meRoute } from './route/me.ts';
import { messageRoutes } from './route/messages.ts';
import { noteRoutes } from './route/notes.ts';
import { onCallRoutes } from './route/on-call.ts';
import { overrideRoutes } from './route/overrides.ts';
import { productionRoutes } from './route/production.ts';
import { productionsRoutes } from './route/productions.ts';
import { rehearsalRoute } from './route/rehearsal.ts';
import { rehearsalsRoute } from './route/rehearsals.ts';
import { savedSearchRoutes } from './route/saved-searches.ts';
import { storageRoutes } from './route/storage.ts';
import { streamRoutes } from './route/stream.ts';
import { testMessageRoute } from './route/test-message.ts';
import { workbenchRoutes } from './route/workbench.ts';
import { searchRecorder } from './searching.ts';
import { awaitWorkInHand } from './work-in-hand.ts';

export interface ApiOptions {
  readonly context: ApiContext;
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
  /** Addresses or networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-*` headers are trusted. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Signs people in: sets `request.principal` in an `onRequest` hook and adds its own routes. */
  readonly signIn: FastifyPluginAsync | FastifyPluginCallback;
  /** People of other consoles, for their requests. */
  readonly relayed: RelayedCallers;
  /** The folder of the built console; without it there is only the API. */
  readonly consoleFolder?: string | undefined;
  /** Called before there is any route, by whoever makes a document of them. */
  readonly describe?: ((app: Api) => Promise<void>) | undefined;
}

export interface ApiServer {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:8080/` */
  readonly url: string;
  /** Answers what consoles of other productions hand on. */
  readonly answerRelayed: AnswerRelayed;
  close(): Promise<void>;
}

/** Milliseconds for the TLS handshake; node's default is two minutes. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Windows puts up to 48,000 bytes, the person's groups, into a ticket, which a browser sends in base64. */
const HEADER_LIMIT = 80 * 1024;

/**
 * Milliseconds for each part, such as what signs people in: machines that all start after a power cut are slow, and with the
 * 10 s that fastify gives the operator plane did not start.
 */
const START_TIMEOUT = 120_000;

/** Builds the API without listening: for the OpenAPI document and for tests of the routes. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function buildApi(options: Omit<ApiOptions, 'host' | 'port'>): Promise<Api> {
  const { context, trustedProxies = [], signIn, relayed } = options;
  const tls = options.tls === undefined ? undefined : await serverTls(options.tls, context.log);
  const listening = {
    connectionsCheckingInterval: LOOK_EVERY,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    maxHeaderSize: HEADER_LIMIT,
  };
  const app = fastify({
    loggerInstance: context.log.child({ part: 'api' }, { level: 'warn' }),
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: BODY_LIMIT,
    pluginTimeout: START_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: true,
    schemaController: lazySchemas(),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', useDefaults: true } },
    ...(tls === undefined ? { http: listening } : { https: { ...tls.options, ...listening } }),
  }) as unknown as Api;
  admitConnections(app.server, isAmong(trustedProxies), context.log);
  tls?.follow(app.server);
  app.addHook('onClose', async () => tls?.close());
  awaitWorkInHand(app, context.log);
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const forwarded = headers['x-forwarded-for'];
    if (typeof forwarded === 'string') headers['x-forwarded-for'] = withoutPorts(forwarded);
  });
  admitShallowJson(app);
  app.decorateRequest('principal', undefined);
  app.decorateRequest('signInAgain', undefined);
  app.setErrorHandler(async (error: Error, request, reply) => {
    sendProblem(await withRecord(context, request, error), request, reply);
    return reply;
  });
  securityHeaders(app);
  const { consoleFolder } = options;
  const built = consoleFolder === undefined ? undefined : await readConsole(consoleFolder);
  if (built !== undefined) tellVersion(app, built);
  await options.describe?.(app);
  await app.register(signIn);
  admitBodies(app);
  healthRoutes(app, context);
  publicKeyRoutes(app, context);
  await app.register(
    async (scope) => {
      const api = scope as unknown as Api;
      const trials = trialRecords();
      meRoute(api, context);
      productionRoutes(api, context);
      productionsRoutes(api, context);
      acrossRoutes(api, context, relayedAnswers(app, relayed));
      historyRoutes(api, context);
      draftRoutes(api, context, trials);
      hostRoutes(api, context);
      overrideRoutes(api, context);
      const recorded = searchRecorder(context);
      messageRoutes(api, context, recorded);
      bodyRoutes(api, context);
      actRoutes(api, context);
      testMessageRoute(api, context);
      rehearsalRoute(api, context);
      rehearsalsRoute(api, context, trials);
      jobRoutes(api, context, recorded);
      keptRoutes(api, context);
      alertRoutes(api, context);
      onCallRoutes(api, context);
      maintenanceRoutes(api, context);
      eventRoutes(api, context);
      comparisonRoutes(api, context);
      noteRoutes(api, context);
      storageRoutes(api, context);
      savedSearchRoutes(api, context);
      exportRoutes(api, context);
      workbenchRoutes(api, context);
      certificateRoutes(api, context);
      streamRoutes(api, context);
      documentRoutes(api, documents);
    },
    { prefix: API_PREFIX },
  );
  app.setNotFoundHandler(built === undefined ? notFound : consoleFiles(app, built, trustedProxies));
  return app;
}

/** What describes the routes is read and made when it is first asked for: hardly anybody ever does. */
const documents = remembered(Number.POSITIVE_INFINITY, async () => {
  const { apiDocuments } = await import('./api-document.ts');
  return await apiDocuments();
});

/** Refuses what is nested too deeply before it is parsed. */
function admitShallowJson(app: Api): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, text, done) => {
      if (!isTooDeep(text)) return parse(request, text, done);
      const why = `the JSON is nested more than ${DEEPEST} levels deep`;
      return done(new ApiError(400, 'REQUEST_INVALID', why));
    },
  );
}

/** Serves the API and the console. Throws CONFIG_INVALID if it cannot listen there. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const { host, port, tls } = options;
  const app = await buildApi(options);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const { code } = error as { code?: string };
    throw new EngineError(
      'CONFIG_INVALID',
      `the console cannot listen on ${host}:${port} (${code ?? 'unknown'}); choose another with --console`,
    );
  }
  const bound = (app.server.address() as AddressInfo).port;
  const named = host.includes(':') ? `[${host}]` : host;
  return {
    host,
    port: bound,
    url: `${tls === undefined ? 'http' : 'https'}://${named}:${bound}/`,
    answerRelayed: relayedAnswers(app, options.relayed),
    close: () => app.close(),
  };
}

/** The error, once it is recorded if it is a refusal; otherwise why it could not be. */
async function withRecord(
  context: ApiContext,
  request: FastifyRequest,
  error: Error,
): Promise<Error> {
  if (!(error instanceof ApiError) || error.code !== 'FORBIDDEN') return error;
  try {
    await refused(context, request, error);
    return error;
  } catch (unrecorded) {
    return unrecorded instanceof Error ? unrecorded : error;
  }
}

async function refused(
  { audit }: ApiContext,
  { principal, ip, method, routeOptions, params }: FastifyRequest,
  { message: cause }: ApiError,
): Promise<void> {
  if (principal === undefined) return;
  const { name, via } = principal;
  await audit.record({
    actor: { name, via },
    ip,
    action: 'request.refused',
    object: `${method} ${routeOptions.url ?? ''}`,
    outcome: 'refused',
    detail: { cause, of: params },
  });
}

/** PEM files of the console's own certificate. */
interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

interface ServerTls {
  readonly options: { readonly cert: Buffer; readonly key: Buffer; readonly minVersion: 'TLSv1.2' };
  /** From then on the server adopts renewed certificates by itself. */
  follow(server: HttpServer | TlsServer): void;
  close(): void;
}

/** Milliseconds after a change until the files are read: certificate and key are written one after the other. */
const SETTLE = 500;

/** Reads the certificate and watches its files, so that a renewal needs no restart. A broken renewal is logged and the old one stays. */
async function serverTls(files: TlsFiles, log: Logger): Promise<ServerTls> {
  const options = await read(files);
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  return {
    options,
    follow(server) {
      if (!(server instanceof TlsServer)) return;
      const renew = async (): Promise<void> => {
        try {
          server.setSecureContext(await read(files));
          log.info({ event: 'console-certificate-renewed' }, 'console-certificate-renewed');
        } catch (error) {
          log.error(
            { event: 'console-certificate-broken', err: error },
            'console-certificate-broken',
          );
        }
      };
      const folders = new Set([dirname(files.certificate), dirname(files.key)]);
      for (const folder of folders) {
        watchers.push(
          watch(folder, () => {
            clearTimeout(timer);
            timer = setTimeout(
              () => background(renew(), 'renewing the certificate of the console'),
              SETTLE,
            );
          }),
        );
      }
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

async function read({ certificate, key }: TlsFiles): Promise<ServerTls['options']> {
  try {
    return {
      cert: await readFile(certificate),
      key: await readFile(key),
      minVersion: 'TLSv1.2',
    };
  } catch (error) {
    throw new EngineError(
      'CREDENTIAL_MISSING',
      `the console's certificate cannot be read: ${describeError(error).text}`,
    );
  }
}
