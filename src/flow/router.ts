import { describeError, isEngineError } from '../error/engine-error.ts';
import type { Scope } from '../expression/expression.ts';
import { withTokens } from '../expression/token-answers.ts';
import type { Explanation } from '../message/record.ts';
import { RuleError } from '../rule/rule-error.ts';
import type { Transform, TransformInput, TransformOutput } from '../transform/transform.ts';
import { transformChain } from '../transform/transform-chain.ts';
import type { Subject } from './subject.ts';
import type { Process, ProcessResult, ProcessSend } from './wiring.ts';

/** What the rules chose for one message. */
export interface Chosen {
  readonly sends: readonly { readonly to: string; readonly transforms: readonly string[] }[];
  readonly otherwise: 'discard' | 'suspend' | 'send' | undefined;
  readonly explanation: Explanation;
}

export interface RouterOptions {
  readonly readsBody: boolean;
  decide(scope: Scope): Chosen;
  /** The problems that prevent the message from being routed, as text; undefined if there are none. */
  validate: ((scope: Scope) => string | undefined | Promise<string | undefined>) | undefined;
  /** `suspend`, or the target of messages that do not validate. */
  readonly invalid: string;
  transform(name: string): Transform;
  readonly lookup: TransformInput['lookup'];
  readonly now: () => number;
  readonly jwt: TransformInput['jwt'];
  /** Whether a condition of the rules signs or checks a token. */
  readonly needsTokens: boolean;
}

/** A business process that routes by rules, with transforms on the way. */
export function router(parts: RouterOptions): Process {
  return {
    readsBody: parts.readsBody,
    run(subject) {
      const problem = parts.validate?.(subject);
      return problem instanceof Promise
        ? problem.then((found) => routed(parts, subject, found))
        : routed(parts, subject, problem);
    },
  };
}

function routed(
  parts: RouterOptions,
  subject: Subject,
  problem: string | undefined,
): ProcessResult | Promise<ProcessResult> {
  if (problem !== undefined) return refuse(problem, parts.invalid);
  const chosen = parts.needsTokens ? decidedByTokens(parts, subject) : decided(parts, subject);
  return chosen instanceof Promise
    ? chosen.then((later) => carriedOut(parts, subject, later))
    : carriedOut(parts, subject, chosen);
}

function carriedOut(
  parts: RouterOptions,
  subject: Subject,
  chosen: Chosen | ProcessResult,
): ProcessResult | Promise<ProcessResult> {
  if ('status' in chosen) return chosen;
  const { sends, otherwise, explanation } = chosen;
  if (sends.length === 0) {
    const suspended = otherwise === 'suspend';
    return {
      status: suspended ? 'suspended' : 'discarded',
      sends: [],
      explain: explanation,
      reason: suspended
        ? 'no rule matched the message, and the rules say to suspend it'
        : undefined,
    };
  }
  if (sends.every(({ transforms }) => transforms.length === 0)) {
    return {
      status: 'completed',
      sends: sends.map(({ to }) => ({ to })),
      explain: explanation,
    };
  }
  return transformed(parts, subject, sends, explanation);
}

function refuse(problem: string, invalid: string): ProcessResult {
  return invalid === 'suspend'
    ? { status: 'suspended', sends: [], explain: undefined, reason: problem }
    : {
        status: 'completed',
        sends: [{ to: invalid }],
        explain: { rules: [], sent: [{ to: invalid, rule: 'invalid' }], notes: [problem] },
      };
}

function decided(parts: RouterOptions, subject: Subject): Chosen | ProcessResult {
  try {
    return parts.decide(subject);
  } catch (error) {
    return undecided(error);
  }
}

/** Where a condition needs a token, which takes its time. */
async function decidedByTokens(
  parts: RouterOptions,
  subject: Subject,
): Promise<Chosen | ProcessResult> {
  try {
    return await withTokens(parts.jwt, (tokens) => parts.decide({ ...subject, tokens }));
  } catch (error) {
    return undecided(error);
  }
}

const undecided = (error: unknown): ProcessResult =>
  suspendedBy(error, error instanceof RuleError ? error.explanation : undefined);

/** What failed, with the explanation; a temporary error is left to the caller to retry. */
function suspendedBy(error: unknown, explain: Explanation | undefined): ProcessResult {
  if (!isEngineError(error) || error.retryable) throw error;
  return { status: 'suspended', sends: [], explain, error: describeError(error) };
}

async function transformed(
  parts: RouterOptions,
  subject: Subject,
  chosen: Chosen['sends'],
  explain: Explanation,
): Promise<ProcessResult> {
  // a chain shared by several targets is computed once
  const chains = new Map<string, readonly TransformOutput[]>();
  const sends: ProcessSend[] = [];
  for (const { to, transforms } of chosen) {
    if (transforms.length === 0) {
      sends.push({ to });
      continue;
    }
    const key = transforms.join('\0');
    let outputs = chains.get(key);
    if (outputs === undefined) {
      const chain = transformChain(transforms.map((name) => parts.transform(name)));
      const { message } = subject;
      const { lookup, now, jwt } = parts;
      try {
        outputs = await chain.apply({ message, document: subject.document(), lookup, now, jwt });
      } catch (error) {
        return suspendedBy(error, explain);
      }
      chains.set(key, outputs);
    }
    // 100,000 of them would be too many arguments
    for (const output of outputs) sends.push({ to, output });
  }
  return {
    status: sends.length === 0 ? 'discarded' : 'completed',
    sends,
    explain: withNotes(explain, chains.values()),
  };
}

/** What the transforms noted; each once. */
function withNotes(
  explain: Explanation,
  chains: Iterable<readonly TransformOutput[]>,
): Explanation {
  const all = [...chains].flatMap((outputs) => outputs.flatMap(({ notes = [] }) => notes));
  if (all.length === 0) return explain;
  return { ...explain, notes: [...new Set(all)].slice(0, MOST_NOTES) };
}

/** One message may be split into thousands, each with its notes. */
const MOST_NOTES = 20;
