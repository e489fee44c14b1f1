import type { TestStep } from '../adapter/test-step.ts';
import type { TokenReport } from '../credential/jwt/token-report.ts';
import type {
  CertificateOrder,
  KeyOrder,
  TakenCertificate,
  WaitingKey,
} from '../credential/key-desk.ts';
import type { TokenOrder, TokenQuestion } from '../credential/token-desk.ts';
import type { CheckedFiles, CheckOrder } from '../definition/history/checked-files.ts';
import type { Rehearsal, RehearsalRequest, RehearsedPart } from '../definition/rehearsal.ts';
import type { SessionOutcome } from '../trace/session-outcome.ts';
import type { Indexing, QuickHit, TracePage, TraceQuery } from '../trace/trace-query.ts';
import type { PurgeReport } from '../trace/trace-store.ts';
import type { TracedMessage, TracedSession } from '../trace/traced-message.ts';
import type { VerifyReport } from '../trace/verify.ts';
import type { CertificateReport, ShownCertificate } from './certificate-report.ts';
import type { StatusReport } from './engine-report.ts';
import type {
  Changed,
  ChangeOrder,
  FileBrief,
  FileQuery,
  FilesQuery,
  FileText,
  VersionBrief,
} from './file-orders.ts';
import type {
  Aborted,
  AbortOrder,
  BatchBrief,
  BulkOrders,
  BulkResult,
  ChannelTest,
  CloseBatch,
  Discard,
  EndRequest,
  Listed,
  ListedOn,
  Notification,
  NotResent,
  OpenAlert,
  OverrideOrder,
  Planned,
  PlanOrder,
  PurgeOrder,
  RehearseOrder,
  Reloaded,
  ReloadOrder,
  RemoveState,
  ReplayOrder,
  Reprocess,
  Reprocessed,
  ReprocessOrder,
  Resend,
  ResendOrder,
  Resent,
  SentMessage,
  StateBrief,
  StatesOf,
  SubscriberBrief,
  SubscribersOf,
  SwitchOrder,
  TestAlertsOrder,
  TestMessage,
  TurnSubscriber,
  UntilOrder,
  VerifyOrder,
  WaitBrief,
} from './orders.ts';
import type { ProductionDescription } from './production-description.ts';

/** A request to another process of the production, and its result. */
export interface Verb<Request, Result> {
  /** Who answers. */
  readonly of: 'engine' | 'plane';
  readonly name: string;
  /** Whether only one of those that could answer does; otherwise each answers for itself. */
  readonly shared: boolean;
  /** Never set: it only carries the types of both sides. */
  readonly types?: (request: Request) => Result;
}

/** Verbs of any kind. */
export type Verbs = Readonly<Record<string, Verb<never, unknown>>>;

/*
 * Everything that the command line, the operator plane and the engines ask of each other: each verb
 * with its request and result. A new one takes a line here, one where it is answered and one where
 * it is asked.
 */

/** Every engine answers for itself. */
const each = <Request, Result>(name: string): Verb<Request, Result> => ({
  of: 'engine',
  name,
  shared: false,
});

/** One of the engines answers. */
const one = <Request, Result>(name: string): Verb<Request, Result> => ({
  of: 'engine',
  name,
  shared: true,
});

/** One of the operator planes answers. */
const plane = <Request, Result>(name: string): Verb<Request, Result> => ({
  of: 'plane',
  name,
  shared: true,
});

/** JWKS: public keys, for checking what the production signs. */
export interface PublicKeys {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** Verbs that engines answer. */
export const ENGINE = {
  status: each<null, StatusReport>('status'),
  /** The streams that the engine stores messages into. */
  queues: each<null, readonly string[]>('queues'),
  start: each<SwitchOrder, void>('start'),
  stop: each<SwitchOrder, void>('stop'),
  retry: each<SwitchOrder, void>('retry'),
  override: each<OverrideOrder, void>('override'),
  reload: each<ReloadOrder, Reloaded>('reload'),
  history: one<null, readonly VersionBrief[]>('history'),
  files: one<FilesQuery, readonly FileBrief[]>('files'),
  fileText: one<FileQuery, FileText>('file-text'),
  checkFiles: one<CheckOrder, CheckedFiles>('check-files'),
  changeFiles: each<ChangeOrder, Changed>('change-files'),
  /** The body is sent with the request. */
  rehearse: one<RehearsalRequest, Rehearsal>('rehearse'),
  test: one<{ readonly host: string }, readonly TestStep[]>('test'),
  resend: one<Resend, SentMessage>('resend'),
  reprocess: one<Reprocess, Reprocessed>('reprocess'),
  discard: one<Discard, void>('discard'),
  /** Many of these at once, in order. */
  carryOut: one<BulkOrders, readonly BulkResult[]>('carry-out'),
  /** Ends a message that the engine is working on. */
  end: each<EndRequest, { readonly ended: boolean }>('end'),
  /** Ends a message that no engine is working on. */
  endQueued: one<EndRequest, void>('end-queued'),
  waits: one<null, Listed<WaitBrief>>('waits'),
  subscribers: one<SubscribersOf | null, ListedOn<SubscriberBrief>>('subscribers'),
  turnSubscriber: one<TurnSubscriber, void>('turn-subscriber'),
  batches: one<null, readonly BatchBrief[]>('batches'),
  closeBatch: one<CloseBatch, { readonly parts: number }>('close-batch'),
  states: one<StatesOf, Listed<StateBrief>>('states'),
  stateValue: one<{ readonly key: string }, { readonly value?: unknown }>('state-value'),
  removeState: one<RemoveState, { readonly removed: boolean }>('remove-state'),
  notify: one<Notification, { readonly messageId: number }>('notify'),
  testMessage: one<TestMessage, SentMessage>('test-message'),
  describe: one<null, ProductionDescription>('describe'),
  /** Everything of the production, and of the asking console, that expires. */
  certificates: each<ShownCertificate | null, readonly CertificateReport[]>('certificates'),
  publicKeys: one<null, PublicKeys>('public-keys'),
  tokenKeys: one<null, readonly string[]>('token-keys'),
  inspectToken: one<TokenQuestion, TokenReport>('inspect-token'),
  signToken: one<TokenOrder, { readonly token: string }>('sign-token'),
  waitingKeys: one<null, readonly WaitingKey[]>('waiting-keys'),
  makeKey: one<KeyOrder, WaitingKey>('make-key'),
  takeCertificate: one<CertificateOrder, TakenCertificate>('take-certificate'),
  discardKey: one<{ readonly name: string }, { readonly discarded: boolean }>('discard-key'),
  /** The engine's metrics in the Prometheus text format. */
  figures: each<null, string>('figures'),
} as const;

/** Verbs that the operator plane answers for the command line. */
export const PLANE = {
  purge: plane<PurgeOrder, PurgeReport>('purge'),
  verify: plane<VerifyOrder, VerifyReport>('verify'),
  /** How many messages the trace has not read yet. */
  lag: plane<null, number>('lag'),
  abort: plane<AbortOrder, Aborted>('abort'),
  override: plane<OverrideOrder & { readonly by: string }, void>('override'),
  /** If the body was edited, it is sent with the order. */
  resend: plane<ResendOrder & { readonly edited: boolean }, Resent>('resend'),
  reprocess: plane<ReprocessOrder, Reprocessed & Resent>('reprocess'),
  replay: plane<ReplayOrder, readonly (Resent | NotResent)[]>('replay'),
  rehearse: plane<RehearseOrder, RehearsedPart>('rehearse'),
  /** Sends a test by channels of alerts; all if none is named. */
  testAlerts: plane<TestAlertsOrder, readonly ChannelTest[]>('test-alerts'),
  /** Alerts that are not over, newest first. */
  alerts: plane<null, readonly OpenAlert[]>('alerts'),
  /** Work that is planned or under way. */
  planned: plane<null, readonly Planned[]>('planned'),
  plan: plane<PlanOrder, Planned>('plan'),
  planUntil: plane<UntilOrder, Planned>('plan-until'),
} as const;

/** Who reads, according to the client. */
interface Reader {
  readonly by: string;
}

/** What the command line reads from the trace, through the operator plane. */
export const TRACE = {
  find: plane<Reader & { readonly query: TraceQuery }, TracePage>('trace.find'),
  quickFind: plane<Reader & { readonly text: string; readonly limit: number }, readonly QuickHit[]>(
    'trace.quick-find',
  ),
  fields: plane<null, readonly string[]>('trace.fields'),
  indexing: plane<null, Indexing | undefined>('trace.indexing'),
  session: plane<Reader & { readonly id: number }, TracedSession | undefined>('trace.session'),
  message: plane<Reader & { readonly id: number }, TracedMessage | undefined>('trace.message'),
  outcomes: plane<Reader & { readonly sessions: readonly number[] }, readonly SessionOutcome[]>(
    'trace.outcomes',
  ),
} as const;
