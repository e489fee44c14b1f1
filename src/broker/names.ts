/**
 * Names of JetStream objects: one scheme for the engine, the operator plane and the command line
 * (architecture.md §3).
 */
export interface Names {
  readonly journal: { readonly stream: string; readonly subject: string };
  readonly outcomes: { readonly stream: string; readonly subject: string };
  readonly suspended: {
    readonly stream: string;
    readonly subjects: string;
    subject(host: string): string;
  };
  readonly bodies: {
    readonly stream: string;
    readonly subjects: string;
    subject(key: string): string;
  };
  /** Live events for consoles; kept for a while, in memory. */
  readonly live: { readonly stream: string; readonly subject: string };
  readonly state: string;
  readonly steps: string;
  /** What belongs to a key and not to one message, such as shared state. */
  readonly keyed: string;
  /** Answers for repeated messages. */
  readonly answers: string;
  /** Messages that wait for a time or an answer, outside their queue. */
  readonly waiting: {
    readonly stream: string;
    readonly subjects: string;
    subject(host: string, id: number): string;
    /** The host whose message has this subject. */
    hostOf(subject: string): string;
    /** On which it is told that a message left; stored nowhere. */
    readonly left: string;
  };
  readonly orders: string;
  /** Every subject of the production. */
  readonly everything: string;
  /** Whether a stream belongs to this production. */
  isOwn(stream: string): boolean;
  /** Whether a stream is a queue or a partition of one. */
  isQueue(stream: string): boolean;
  /** Whether the trace is built from this stream: journal, outcomes, queues. */
  isTold(stream: string): boolean;
  /** The queue of a host, or one partition of it. A queue begins a new generation when its order changes. */
  queue(
    host: string,
    partition?: number,
    generation?: number,
  ): { readonly stream: string; readonly subject: string };
  /** The host and the part of its queue that a stream is; undefined if it is not a queue. */
  queueOf(stream: string): QueuePart | undefined;
  /** The subject of control requests for all engines. */
  control(verb: string): string;
  /** The subject of requests to the operator plane about the trace. */
  ask(question: string): string;
}

export interface QueuePart {
  readonly host: string;
  readonly generation: number;
  readonly partition: number | undefined;
}

/** The durable consumer through which engines take from a queue, and that of the projector. */
export const WORKER = 'worker';
export const PROJECTOR = 'projector';

export function names(production: string): Names {
  const stream = (rest: string): string => `WB_${production}_${rest}`;
  return {
    journal: { stream: stream('JOURNAL'), subject: `wb.${production}.j.batch` },
    outcomes: { stream: stream('OUTCOMES'), subject: `wb.${production}.r.batch` },
    suspended: {
      stream: stream('SUSPENDED'),
      subjects: `wb.${production}.s.>`,
      subject: (host) => `wb.${production}.s.${host}`,
    },
    bodies: {
      stream: stream('BODIES'),
      subjects: `wb.${production}.b.>`,
      subject: (key) => `wb.${production}.b.${key}`,
    },
    live: { stream: stream('LIVE'), subject: `wb.${production}.l.told` },
    state: stream('STATE'),
    steps: stream('STEPS'),
    keyed: stream('KEYED'),
    answers: stream('ANSWERS'),
    waiting: {
      stream: stream('WAITING'),
      subjects: `wb.${production}.w.>`,
      subject: (host, id) => `wb.${production}.w.${host}.${id}`,
      hostOf: (subject) => subject.slice(`wb.${production}.w.`.length, subject.lastIndexOf('.')),
      left: `wb.${production}.v.left`,
    },
    orders: stream('ORDERS'),
    everything: `wb.${production}.>`,
    isOwn: (name) => name.startsWith(stream('')),
    isQueue: (name) => name.startsWith(stream('Q_')),
    isTold: (name) =>
      name === stream('JOURNAL') || name === stream('OUTCOMES') || name.startsWith(stream('Q_')),
    queue(host, partition, generation = 0) {
      const later = generation === 0 ? '' : `g${generation}`;
      const [inStream, inSubject] = later === '' ? ['', ''] : [`_${later}`, `.${later}`];
      const [line, token] = partition === undefined ? ['', ''] : [`_${partition}`, `.${partition}`];
      return {
        stream: stream(`Q_${host}${inStream}${line}`),
        subject: `wb.${production}.q.${host}${inSubject}${token}`,
      };
    },
    queueOf(name) {
      if (!name.startsWith(stream('Q_'))) return undefined;
      // no host has an underscore in its name
      const [host = '', ...rest] = name.slice(stream('Q_').length).split('_');
      const later = /^g(\d+)$/.exec(rest[0] ?? '')?.[1];
      const partition = later === undefined ? rest[0] : rest[1];
      return {
        host,
        generation: Number(later ?? 0),
        partition: partition === undefined ? undefined : Number(partition),
      };
    },
    control: (verb) => `wb.${production}.c.${verb}`,
    ask: (question) => `wb.${production}.o.${question}`,
  };
}
