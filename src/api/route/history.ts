import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { audited } from '../acting.ts';
import { comparedFiles } from '../compared-files.ts';
import type { ApiContext } from '../context.ts';
import {
  ChangedReport,
  Comparison,
  ComparisonQuery,
  FileQuery,
  Files,
  FilesQuery,
  FileText,
  History,
  RollBackRequest,
  VersionParameters,
} from '../contract/files.ts';
import { shownFile } from '../hidden-values.ts';

const tags = ['files'];
const SEE = 'read or change the configuration';

/** The files of the production, now and in earlier versions, and rolling back. */
export function historyRoutes(app: Api, context: ApiContext): void {
  versionRoutes(app, context);
  comparisonRoute(app, context);
  rollBackRoute(app, context);
  fileRoutes(app, context);
}

function versionRoutes(app: Api, { engines }: ApiContext): void {
  app.get(
    '/production/history',
    {
      schema: {
        tags,
        summary: 'What was applied: when, by whom, why; newest first.',
        response: { 200: History },
      },
      onRequest: requirePermission('config.view'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), SEE);
      return { versions: await engines.history() };
    },
  );
}

function comparisonRoute(app: Api, { engines }: ApiContext): void {
  app.get(
    '/production/history/comparison',
    {
      schema: {
        tags,
        summary: 'Two versions (or `disk`, `running`), host by host and line by line.',
        querystring: ComparisonQuery,
        response: { 200: Comparison },
      },
      onRequest: requirePermission('config.view'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), SEE);
      const { before = 'running', after = 'disk' } = request.query;
      const [{ difference, problems }, files] = await Promise.all([
        engines.checkFiles({ before, after }),
        comparedFiles(engines, before, after),
      ]);
      return { ...difference, problems, files };
    },
  );
}

function rollBackRoute(app: Api, context: ApiContext): void {
  const { engines } = context;
  app.post(
    '/production/history/:version/roll-back',
    {
      schema: {
        tags,
        summary: 'Restores the files of a version and applies them; the replaced content is kept.',
        params: VersionParameters,
        body: RollBackRequest,
        response: { 200: ChangedReport },
      },
      onRequest: requirePermission('config.deploy'),
    },
    async (request) => {
      const principal = principalOf(request);
      checkSeesAll(principal, SEE);
      const { version } = request.params;
      const { reason, leaveWaiting } = request.body;
      const detail = { version, reason };
      const act = { action: 'config.roll_back', object: 'production', detail };
      return audited(context, request, act, () =>
        engines.changeFiles({ version, reason, leaveWaiting, by: principal.name }),
      );
    },
  );
}

function fileRoutes(app: Api, { engines }: ApiContext): void {
  app.get(
    '/production/files',
    {
      schema: {
        tags,
        summary: 'The files of the production, on disk or of a version.',
        querystring: FilesQuery,
        response: { 200: Files },
      },
      onRequest: requirePermission('config.view'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), SEE);
      return { files: await engines.files(request.query.version ?? 'disk') };
    },
  );

  app.get(
    '/production/files/text',
    {
      schema: {
        tags,
        summary:
          'The content of a file, with a mark for each secret that is written in the clear: sent back in a change, it is that secret.',
        querystring: FileQuery,
        response: { 200: FileText },
      },
      onRequest: requirePermission('config.view'),
    },
    async (request) => {
      const principal = principalOf(request);
      checkSeesAll(principal, SEE);
      const { version = 'disk', path } = request.query;
      return shownFile(engines, version, path);
    },
  );
}
