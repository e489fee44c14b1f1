import { readFile } from 'node:fs/promises';
import type { TestStep } from '../adapter/test-step.ts';
import type { Broker } from '../broker/broker.ts';
import type { CertificateReport, ShownCertificate } from '../control/certificate-report.ts';
import { askAll, askControl, orderAll } from '../control/control.ts';
import type { StatusReport } from '../control/engine-report.ts';
import type {
  Changed,
  ChangeOrder,
  FileBrief,
  FileQuery,
  FileText,
  VersionBrief,
} from '../control/file-orders.ts';
import type {
  BatchBrief,
  CloseBatch,
  EndRequest,
  Listed,
  ListedOn,
  Notification,
  OverrideOrder,
  Reloaded,
  ReloadOrder,
  RemoveState,
  SentMessage,
  StateBrief,
  StatesOf,
  SubscriberBrief,
  SubscribersOf,
  TestMessage,
  TurnSubscriber,
  WaitBrief,
} from '../control/orders.ts';
import type { ProductionDescription } from '../control/production-description.ts';
import { ENGINE, type PublicKeys } from '../control/verbs.ts';
import type { TokenReport } from '../credential/jwt/token-report.ts';
import type {
  CertificateOrder,
  KeyOrder,
  TakenCertificate,
  WaitingKey,
} from '../credential/key-desk.ts';
import type { TokenOrder, TokenQuestion } from '../credential/token-desk.ts';
import type { CheckedFiles, CheckOrder, FilesOf } from '../definition/history/checked-files.ts';
import type { Rehearsal, RehearsalRequest } from '../definition/rehearsal.ts';
import { describeError } from '../error/engine-error.ts';
import type { Envelope } from '../message/message.ts';
import { pemCertificates } from '../peer/tls/pem-certificates.ts';
import { lately, type Remembered, remembered } from '../time/remembered.ts';

/** The engines of the production as seen by the operator plane: only through NATS requests, on any machine. */
export interface Engines {
  /** Every engine's report, at most some seconds old. Empty while no engine answers. */
  status(): Promise<readonly StatusReport[]>;
  /**
   * What the production consists of, as last reported by an engine. Throws BROKER_UNAVAILABLE if none has
   * answered yet.
   */
  describe(): Promise<ProductionDescription>;
  /**
   * Everything of the production and its console that expires, listed once each; if a peer
   * presented different certificates to several engines, the latest.
   */
  certificates(): Promise<readonly CertificateReport[]>;
  /**
   * The public keys of our client assertions, as last reported by an engine. Throws BROKER_UNAVAILABLE if
   * none has answered yet.
   */
  publicKeys(): Promise<PublicKeys>;
  /** The credentials that sign and verify tokens. */
  tokenKeys(): Promise<readonly string[]>;
  /** What a token says, and what a key of the production finds of it. */
  inspectToken(question: TokenQuestion): Promise<TokenReport>;
  /** Keys that wait for their certificates. */
  waitingKeys(): Promise<readonly WaitingKey[]>;
  makeKey(order: KeyOrder): Promise<WaitingKey>;
  takeCertificate(order: CertificateOrder): Promise<TakenCertificate>;
  discardKey(name: string): Promise<{ readonly discarded: boolean }>;
  signToken(order: TokenOrder): Promise<{ readonly token: string }>;
  /** Each engine's metrics in the Prometheus text format. */
  figures(): Promise<readonly string[]>;
  /** Switches a host on every engine. Throws HOST_UNKNOWN. */
  switchHost(verb: 'start' | 'stop' | 'retry', host: string, by: SwitchedBy): Promise<void>;
  /** Sets an override for a host, or ends it. Throws HOST_UNKNOWN. */
  override(request: OverrideOrder): Promise<void>;
  test(host: string): Promise<readonly TestStep[]>;
  reload(order: ReloadOrder): Promise<Reloaded>;
  /** The versions that were applied, newest first. */
  history(): Promise<readonly VersionBrief[]>;
  files(of: FilesOf): Promise<readonly FileBrief[]>;
  /** Throws NOT_FOUND for what is no file of the production. */
  fileText(query: FileQuery): Promise<FileText>;
  /** Checks, tests and compares files that are not applied. */
  checkFiles(order: CheckOrder): Promise<CheckedFiles>;
  /** Writes files and applies them on every engine. */
  changeFiles(order: ChangeOrder): Promise<Changed>;
  /** Processes a message with the files as they are now; nothing is sent. */
  rehearse(message: RehearsalRequest, body: Uint8Array): Promise<Rehearsal>;
  discard(message: Pick<Envelope, 'id' | 'sessionId' | 'target'>, by: SwitchedBy): Promise<void>;
  /** Ends a message that waits in a queue or is being sent. Throws NOT_FOUND if it has an outcome. */
  end(message: Pick<Envelope, 'id' | 'target'>, order: Omit<EndRequest, 'message'>): Promise<void>;
  /** Messages that wait for others. */
  waits(): Promise<Listed<WaitBrief>>;
  /** What messages share, of all keys or of one. */
  states(of: StatesOf): Promise<Listed<StateBrief>>;
  stateValue(key: string): Promise<{ readonly value?: unknown }>;
  /** Who has subscribed to what, those in trouble first. */
  subscribers(of: SubscribersOf): Promise<ListedOn<SubscriberBrief>>;
  /** Throws NOT_FOUND if it is not there any more. */
  turnSubscriber(order: TurnSubscriber): Promise<void>;
  /** What processes collect. */
  batches(): Promise<readonly BatchBrief[]>;
  /** Throws NOT_FOUND if nothing is collected there. */
  closeBatch(order: CloseBatch): Promise<{ readonly parts: number }>;
  removeState(order: RemoveState): Promise<{ readonly removed: boolean }>;
  notify(notification: Notification): Promise<{ readonly messageId: number }>;
  sendTest(message: TestMessage, body: Uint8Array): Promise<SentMessage>;
}

export interface SwitchedBy {
  readonly by: string;
  readonly reason?: string | undefined;
}

/** Milliseconds; the state of hosts is given at once, and asked for again meanwhile: an engine under load takes its time. */
const STATUS = { renewed: 1_500, atMost: 4_000 };
const DESCRIPTION = { renewed: 5_000, atMost: 10_000 };
const CERTIFICATES = { renewed: 60_000, atMost: 120_000 };
const KEYS_FRESH = 10_000;
/** Milliseconds after the last answer until the other engines are presumed gone. */
const EVERY_ENGINE = { silence: 200 } as const;
/** Milliseconds between two requests for which engines that did not answer lately are waited for too. */
const LOOK_EVERY = 10_000;
const TEST_LIMIT = 70_000;
/** Milliseconds; published keys may have to be fetched first. */
const JWKS_LIMIT = 15_000;
const RELOAD_LIMIT = 60_000;
/** Milliseconds beyond what a check may take: the engine tells more than a silence. */
const CHECK_MORE = 5_000;
const REHEARSAL_LIMIT = 45_000;
/** Milliseconds; a long queue is searched, and the trace may have to catch up first. */
const END_LIMIT = 40_000;

/** The operator plane reaches engines only through this. `certificate` is the file of the console's own certificate. */
export function engines(broker: Broker, certificate?: string): Engines {
  const status = lately(STATUS, reportsOf(broker));
  const description = lately(DESCRIPTION, () => askControl(broker, ENGINE.describe, null));
  const certificates = expiringThings(broker, certificate);
  const keys = remembered(KEYS_FRESH, () => askControl(broker, ENGINE.publicKeys, null));
  return {
    status: () => status.get(),
    describe: orAsBefore(() => description.get()),
    certificates: () => certificates.get(),
    publicKeys: orAsBefore(() => keys.get()),
    ...tokens(broker),
    ...waitingKeys(broker, () => certificates.forget()),
    figures: () => askAll(broker, ENGINE.figures, null, EVERY_ENGINE),
    async switchHost(verb, host, { by, reason }) {
      await orderAll(broker, ENGINE[verb], { host, by, reason }).finally(() => status.forget());
    },
    async override(order) {
      await orderAll(broker, ENGINE.override, order).finally(() => status.forget());
    },
    test: (host) => askControl(broker, ENGINE.test, { host }, { timeout: TEST_LIMIT }),
    async reload(order) {
      const difference = order.dryRun
        ? await askControl(broker, ENGINE.reload, order, { timeout: RELOAD_LIMIT })
        : (await orderAll(broker, ENGINE.reload, order, { atMost: RELOAD_LIMIT }))[0];
      for (const one of [status, description, certificates, keys]) one.forget();
      return difference;
    },
    ...keptFiles(broker),
    async changeFiles(order) {
      const [changed] = await orderAll(broker, ENGINE.changeFiles, order, {
        atMost: RELOAD_LIMIT,
      }).finally(() => {
        for (const one of [status, description, certificates, keys]) one.forget();
      });
      return changed;
    },
    rehearse: (message, body) =>
      askControl(broker, ENGINE.rehearse, message, { body, timeout: REHEARSAL_LIMIT }),
    discard: (message, { by, reason = 'discarded by a person' }) =>
      askControl(broker, ENGINE.discard, { message, by, reason }),
    async end({ id, target }, how) {
      const order = { message: { id, target }, ...how };
      const answers = await orderAll(broker, ENGINE.end, order, { atMost: END_LIMIT });
      if (answers.some(({ ended }) => ended)) return;
      await askControl(broker, ENGINE.endQueued, order, { timeout: END_LIMIT });
    },
    ...keyedWork(broker),
    notify: (notification) => askControl(broker, ENGINE.notify, notification),
    sendTest: (message, body) => askControl(broker, ENGINE.testMessage, message, { body }),
  };
}

function expiringThings(
  broker: Broker,
  certificate: string | undefined,
): Remembered<readonly CertificateReport[]> {
  const told = lately(CERTIFICATES, async () => {
    const shown = certificate === undefined ? null : await shownCertificate(certificate);
    const answers = await askAll(broker, ENGINE.certificates, shown, EVERY_ENGINE);
    return { isAnswered: answers.length > 0, all: eachOnce(answers.flat()) };
  });
  return {
    forget: () => told.forget(),
    async get() {
      const { isAnswered, all } = await told.get();
      if (!isAnswered) told.forget();
      return all;
    },
  };
}

/** Reports of engines: as soon as those of the last time have answered, and now and then of any others. */
function reportsOf(broker: Broker): () => Promise<readonly StatusReport[]> {
  let expected = 0;
  let looked = Number.NEGATIVE_INFINITY;
  return async () => {
    const looks = expected === 0 || performance.now() - looked > LOOK_EVERY;
    if (looks) looked = performance.now();
    const wait = looks ? EVERY_ENGINE : { ...EVERY_ENGINE, expected };
    const reports = await askAll(broker, ENGINE.status, null, wait);
    expected = reports.length;
    return reports;
  };
}

const keptFiles = (
  broker: Broker,
): Pick<Engines, 'history' | 'files' | 'fileText' | 'checkFiles'> => ({
  history: () => askControl(broker, ENGINE.history, null),
  files: (of) => askControl(broker, ENGINE.files, { of }),
  fileText: (query) => askControl(broker, ENGINE.fileText, query),
  checkFiles: (order) =>
    askControl(broker, ENGINE.checkFiles, order, { timeout: RELOAD_LIMIT + CHECK_MORE }),
});

type KeyedWork =
  | 'waits'
  | 'states'
  | 'stateValue'
  | 'batches'
  | 'closeBatch'
  | 'removeState'
  | 'subscribers'
  | 'turnSubscriber';

const keyedWork = (broker: Broker): Pick<Engines, KeyedWork> => ({
  waits: () => askControl(broker, ENGINE.waits, null),
  states: (of) => askControl(broker, ENGINE.states, of),
  stateValue: (key) => askControl(broker, ENGINE.stateValue, { key }),
  batches: () => askControl(broker, ENGINE.batches, null),
  subscribers: (of) => askControl(broker, ENGINE.subscribers, of),
  turnSubscriber: (order) => askControl(broker, ENGINE.turnSubscriber, order),
  closeBatch: (order) => askControl(broker, ENGINE.closeBatch, order),
  removeState: (order) => askControl(broker, ENGINE.removeState, order),
});

type KeyQuestions = 'waitingKeys' | 'makeKey' | 'takeCertificate' | 'discardKey';

const waitingKeys = (broker: Broker, exchanged: () => void): Pick<Engines, KeyQuestions> => ({
  waitingKeys: () => askControl(broker, ENGINE.waitingKeys, null),
  makeKey: (order) => askControl(broker, ENGINE.makeKey, order),
  async takeCertificate(order) {
    const taken = await askControl(broker, ENGINE.takeCertificate, order);
    exchanged();
    return taken;
  },
  discardKey: (name) => askControl(broker, ENGINE.discardKey, { name }),
});

const tokens = (broker: Broker): Pick<Engines, 'tokenKeys' | 'inspectToken' | 'signToken'> => ({
  tokenKeys: () => askControl(broker, ENGINE.tokenKeys, null),
  inspectToken: (question) =>
    askControl(broker, ENGINE.inspectToken, question, { timeout: JWKS_LIMIT }),
  signToken: (order) => askControl(broker, ENGINE.signToken, order),
});

function eachOnce(reports: readonly CertificateReport[]): CertificateReport[] {
  const found = new Map<string, CertificateReport>();
  for (const report of reports) {
    const key = JSON.stringify([report.kind, report.name, report.hosts]);
    const before = found.get(key);
    if (before === undefined || isMoreTelling(report, before)) found.set(key, report);
  }
  return [...found.values()];
}

const endOf = ({ ends }: CertificateReport): number => ends?.at ?? Number.POSITIVE_INFINITY;

/** What a peer showed last; of a file of which each machine has its own, the one to report first. */
function isMoreTelling(one: CertificateReport, other: CertificateReport): boolean {
  if (one.seen !== other.seen) return (one.seen ?? 0) > (other.seen ?? 0);
  if (other.problem !== undefined) return false;
  return one.problem !== undefined || endOf(one) < endOf(other);
}

/** What was last reported, if nobody answers now. */
function orAsBefore<Value extends object>(get: () => Promise<Value>): () => Promise<Value> {
  let known: Value | undefined;
  return async () => {
    try {
      known = await get();
    } catch (error) {
      if (known === undefined) throw error;
    }
    return known;
  };
}

/**
 * The console's own certificate and chain, from the current file, for the engines, which judge what
 * expires. Only the certificates, even if the file also contains the key.
 */
export async function shownCertificate(file: string): Promise<ShownCertificate> {
  try {
    const text = await readFile(file, 'latin1');
    return { chain: pemCertificates(text) };
  } catch (error) {
    return { chain: [], problem: `it cannot be read: ${describeError(error).code}` };
  }
}
