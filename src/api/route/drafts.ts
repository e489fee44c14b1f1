import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { FileEdit } from '../../definition/history/checked-files.ts';
import { hideSecrets } from '../../language/hidden-secrets.ts';
import { pathChoices } from '../../language/hl7-paths.ts';
import type { DraftStore, FileDraft } from '../../operator/draft-store.ts';
import type { TrialRecords } from '../../operator/trial-records.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { closed, Id } from '../../web/schema.ts';
import { audited } from '../acting.ts';
import { comparedText } from '../compared-files.ts';
import type { ApiContext } from '../context.ts';
import {
  ChangedReport,
  CheckReport,
  CheckRequest,
  DecisionRequest,
  Draft,
  DraftRequest,
  Drafts,
  DraftView,
  Paths,
  PathsQuery,
} from '../contract/files.ts';
import { checkEdits } from '../edit-size.ts';
import { editsIn, withHidden } from '../hidden-values.ts';
import { shownGroup } from '../shown-group.ts';

const tags = ['files'];
const DraftParameters = closed({ id: Id });
const LISTED = 50;
/** Files of the production changed by people who have no account on the machine: checked, proposed, approved, applied. */
export function draftRoutes(app: Api, context: ApiContext, trials: TrialRecords): void {
  const { drafts } = context;
  checkRoute(app, context);
  pathsRoute(app);
  proposeRoutes(app, context, { drafts, trials });
  viewRoute(app, context, drafts);
  applyRoute(app, context, drafts);
  refuseRoute(app, context, drafts);
}

function checkRoute(app: Api, { engines }: ApiContext): void {
  app.post(
    '/production/files/check',
    {
      schema: {
        tags,
        summary:
          'What the check, and the test cases if asked for, say of changed files. Nothing is written.',
        body: CheckRequest,
        response: { 200: CheckReport },
      },
      onRequest: requirePermission('config.edit'),
    },
    async (request) => {
      checkWhole(request);
      const { tests } = request.body;
      checkEdits(request.body.edits);
      const edits = await withHidden(engines, request.body.edits);
      return reportOf(await engines.checkFiles({ before: 'disk', after: 'disk', edits, tests }));
    },
  );
}

/** The same names as editors get from the language server. */
function pathsRoute(app: Api): void {
  app.get(
    '/production/files/paths',
    {
      schema: {
        tags,
        summary: 'What may follow in an HL7 path: segments, fields, components with their names.',
        querystring: PathsQuery,
        response: { 200: Paths },
      },
      onRequest: requirePermission('config.edit'),
    },
    (request) => ({
      paths: pathChoices(request.query.beginning).map(({ label, detail, documentation }) => ({
        path: label,
        name: detail,
        about: documentation,
      })),
    }),
  );
}

interface Kept {
  readonly drafts: DraftStore;
  readonly trials: TrialRecords;
}

function proposeRoutes(app: Api, context: ApiContext, { drafts, trials }: Kept): void {
  app.get(
    '/production/drafts',
    {
      schema: {
        tags,
        summary: 'Changes of files that were proposed, newest first.',
        response: { 200: Drafts },
      },
      onRequest: requirePermission('config.edit'),
    },
    async (request) => {
      checkWhole(request);
      const [all, approval] = await Promise.all([drafts.list(LISTED), needsApproval(context)]);
      return { drafts: [...all], approval };
    },
  );

  app.post(
    '/production/drafts',
    {
      schema: {
        tags,
        summary: 'Proposes a change of files, which somebody then applies.',
        body: DraftRequest,
        response: { 200: Draft },
      },
      onRequest: requirePermission('config.edit'),
    },
    async (request) => {
      const { name: by } = checkWhole(request);
      const { edits, reason, trial: run } = request.body;
      checkEdits(edits);
      // a path that nobody may change is refused now, and not by who would apply it
      const whole = await withHidden(context.engines, edits);
      await context.engines.checkFiles({
        before: 'disk',
        after: 'disk',
        edits: whole,
        tests: false,
      });
      const trial = run === undefined ? undefined : trials.find(run, by, whole);
      const detail = { paths: edits.map(({ path }) => path), reason };
      const act = { action: 'config.propose', object: 'production', detail };
      return audited(context, request, act, async () =>
        shownDraft(await drafts.add({ by, reason, edits, trial })),
      );
    },
  );
}

function viewRoute(app: Api, context: ApiContext, drafts: DraftStore): void {
  const { engines } = context;
  app.get(
    '/production/drafts/:id',
    {
      schema: {
        tags,
        summary:
          'A proposed change, line by line against what lies on disk, with what the check says.',
        params: DraftParameters,
        response: { 200: DraftView },
      },
      onRequest: requirePermission('config.edit'),
    },
    async (request) => {
      checkWhole(request);
      const draft = await draftNamed(drafts, request.params.id);
      const edits = editsIn(draft);
      const there = new Set((await engines.files('disk')).map(({ path }) => path));
      // once it is decided the files may be others: its marks stay
      const whole = draft.state === 'open' ? await withHidden(engines, edits) : edits;
      const files = await Promise.all(
        whole.map((edit) => comparedEdit(context, edit, there.has(edit.path))),
      );
      const trial = shownTrial(principalOf(request), draft);
      if (draft.state !== 'open') return { ...shownDraft(draft), files, trial };
      const checked = await engines.checkFiles({
        before: 'disk',
        after: 'disk',
        edits: whole,
        tests: true,
      });
      return { ...shownDraft(draft), files, trial, check: reportOf(checked) };
    },
  );
}

function applyRoute(app: Api, context: ApiContext, drafts: DraftStore): void {
  app.post(
    '/production/drafts/:id/apply',
    {
      schema: {
        tags,
        summary: 'Writes the files of a proposed change and applies them, as one.',
        params: DraftParameters,
        body: DecisionRequest,
        response: { 200: ChangedReport },
      },
      onRequest: requirePermission('config.deploy'),
    },
    async (request) => {
      const { name } = checkWhole(request);
      const { leaveWaiting } = request.body;
      const draft = await draftNamed(drafts, request.params.id);
      const { id, by, reason } = draft;
      const edits = editsIn(draft);
      const detail = { draft: id, by, reason, paths: edits.map(({ path }) => path) };
      const act = { action: 'config.edit', object: 'production', detail };
      return audited(context, request, act, async () => {
        if (isSame(name, by) && (await needsApproval(context)))
          throw new ApiError(
            403,
            'FORBIDDEN',
            'the production wants each change to be applied by somebody other than who proposed it (settings.approval)',
          );
        const whole = await withHidden(context.engines, edits);
        await decided(drafts, id, 'applied', name);
        const both = isSame(name, by) ? by : `${by}, approved by ${name}`;
        const order = { edits: whole, reason, leaveWaiting, by: both };
        const changed = await context.engines.changeFiles(order).catch(async (error: unknown) => {
          await drafts.reopen(id);
          throw error;
        });
        await drafts.keep(id, withMarks(edits));
        return changed;
      });
    },
  );
}

function refuseRoute(app: Api, context: ApiContext, drafts: DraftStore): void {
  app.post(
    '/production/drafts/:id/refuse',
    {
      schema: {
        tags,
        summary: 'Ends a proposed change: by who proposed it, or by who might apply it.',
        params: DraftParameters,
        body: DecisionRequest,
        response: { 200: Draft },
      },
      onRequest: requirePermission('config.edit'),
    },
    async (request) => {
      const principal = checkWhole(request);
      const draft = await draftNamed(drafts, request.params.id);
      if (!isSame(principal.name, draft.by) && !principal.permissions.has('config.deploy'))
        throw new ApiError(403, 'FORBIDDEN', `${principal.name} lacks config.deploy`);
      const act = { action: 'config.refuse', object: 'production', detail: { draft: draft.id } };
      return audited(context, request, act, async () => {
        await decided(drafts, draft.id, 'refused', principal.name);
        if (draft.edits !== undefined) await drafts.keep(draft.id, withMarks(draft.edits));
        return shownDraft(await draftNamed(drafts, draft.id));
      });
    },
  );
}

/** Of two who decide at once, one does. */
async function decided(
  drafts: DraftStore,
  id: number,
  state: 'applied' | 'refused',
  by: string,
): Promise<void> {
  if (await drafts.decide(id, state, by)) return;
  throw new ApiError(409, 'CONFLICT', `somebody else has decided change ${id} already: look again`);
}

/** Names of people are compared as at the sign-in. */
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

async function needsApproval({ engines }: ApiContext): Promise<boolean> {
  const { settings } = await engines.describe();
  return settings['approval'] === 'required';
}

function checkWhole(request: FastifyRequest): ReturnType<typeof principalOf> {
  const principal = principalOf(request);
  checkSeesAll(principal, 'read or change the configuration');
  return principal;
}

async function comparedEdit({ engines }: ApiContext, { path, text }: FileEdit, old: boolean) {
  const before = old ? (await engines.fileText({ of: 'disk', path })).text : '';
  return comparedText(path, before, text ?? '', { old, now: text !== undefined });
}

async function draftNamed(drafts: DraftStore, id: number): Promise<FileDraft> {
  const draft = await drafts.find(id);
  if (draft === undefined)
    throw new ApiError(404, 'NOT_FOUND', `there is no proposed change ${id}`);
  return draft;
}

/** What its author saw of it on real messages, for somebody else's rights. */
const shownTrial = (viewer: Principal, { trial }: FileDraft) =>
  trial && { ...trial, groups: trial.groups.map((one) => shownGroup(viewer, one)) };

const shownDraft = ({ edits: _edits, trial: _trial, ...draft }: FileDraft) => draft;

/** Edits with marks for the secrets that were typed into them. */
const withMarks = (edits: readonly FileEdit[]): FileEdit[] =>
  edits.map((edit) =>
    edit.text === undefined ? edit : { ...edit, text: hideSecrets(edit.path, edit.text) },
  );

const reportOf = ({
  difference,
  version: _version,
  ...report
}: Awaited<ReturnType<ApiContext['engines']['checkFiles']>>): CheckReport => ({
  ...report,
  hosts: difference?.hosts,
  production: difference?.production,
});
