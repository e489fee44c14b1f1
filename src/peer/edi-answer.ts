import type { SettingsFault } from '../adapter/adapter.ts';
import { choice, edifactProfile, list } from '../adapter/setting.ts';
import type { EdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import {
  answersEdi,
  ediAcknowledgement,
  ediDocument,
  ediHead,
  ediHeadText,
  ediTypeOf,
  kindOf,
  readEdiAcknowledgement,
} from '../document/index.ts';
import { isEngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Message, Reply } from '../message/message.ts';

const LEVELS = {
  none: 'Not at all',
  envelope: 'By its control numbers and counts',
  syntax: 'By its envelope and the elements of each segment',
  guide: 'By its envelope, its elements, and what the implementation guide requires',
};

type Level = keyof typeof LEVELS;

/** The settings of a service that answers X12 and EDIFACT itself. */
export const acknowledgeSettings = {
  acknowledge: choice(LEVELS, {
    help: 'Whether X12 is answered by TA1, 997 (4010) or 999 (5010) and EDIFACT by CONTRL, and how it is checked for that. What is rejected as a whole is not stored. Such bodies are held in memory.',
    default: 'none',
  }),
  profile: list(edifactProfile({ help: 'The name of a profile of EDIFACT.' }), {
    help: 'The profiles by which EDIFACT messages are checked as well before they are acknowledged; of several about the same message the first one counts.',
    example: 'lab',
  }),
};

interface Acknowledging {
  readonly acknowledge: Level;
  readonly profile: readonly EdifactProfile[];
}

/** What does not fit between them. */
export function acknowledgeFaults({ acknowledge, profile }: Acknowledging): SettingsFault[] {
  if (acknowledge !== 'none' || profile.length === 0) return [];
  const what = 'has no effect without acknowledge';
  return [{ path: ['profile'], what, remedy: 'Set acknowledge: guide, or remove it.' }];
}

/** What the sender of an interchange is answered. */
export interface EdiAnswerMade {
  readonly body: Uint8Array;
  /** `X12:999:005010X231A1`, `EDIFACT:CONTRL:D.3` */
  readonly type: string;
  /** Nothing of it is to be taken. */
  readonly isRejected: boolean;
}

/** Whether a type is X12 or EDIFACT. */
function isEdiType(type: string): boolean {
  const kind = kindOf(type);
  return kind === 'x12' || kind === 'edifact';
}

/** ISA-13 or UNB-5, by which a repetition is known; undefined for any other body, or if it has none. */
export function ediControlNumber(type: string, body: Uint8Array): string | undefined {
  return isEdiType(type) ? ediHead(ediHeadText(body))?.controlNumber || undefined : undefined;
}

/** The acknowledgement of a body; undefined where it is none that is acknowledged: none is wanted, another standard, or an acknowledgement itself. Throws DOCUMENT_UNREADABLE. */
export function ediAnswer(
  bytes: Uint8Array,
  { type, charset }: { readonly type: string; readonly charset?: string | undefined },
  { acknowledge: level, profile: profiles }: Acknowledging,
): EdiAnswerMade | undefined {
  if (level === 'none' || !isEdiType(type)) return undefined;
  const { body, verdict } = ediAcknowledgement(ediDocument(bytes, charset), { level, profiles });
  if (body === undefined) return undefined;
  return { body, type: ediTypeOf(body) ?? type, isRejected: verdict === 'R' };
}

/**
 * The same reply judged as an acknowledgement of X12 or EDIFACT: its code is that of TA1, 997, 999 or CONTRL (A, E, P, R),
 * and its text what is wrong. Undefined for any other reply.
 */
export function judgedAsEdi(reply: Reply, sent: Message): Promise<Reply> | undefined {
  const read = ediReply(reply);
  return read === undefined ? undefined : judged(reply, read, sent);
}

async function judged(
  reply: Reply,
  read: NonNullable<ReturnType<typeof ediReply>>,
  sent: Message,
): Promise<Reply> {
  const head = isEdiType(sent.type) ? await beginningOf(sent) : '';
  const isOther = head !== '' && !answersEdi(read, head);
  return {
    ...reply,
    type: ediTypeOf(reply.body) ?? reply.type,
    code: read.code,
    text: [read.text, reply.text].filter(Boolean).join('\n') || undefined,
    problems: isOther ? [...(reply.problems ?? []), 'wrong-control-id'] : reply.problems,
  };
}

function ediReply({ body }: Reply): ReturnType<typeof readEdiAcknowledgement> {
  if (ediTypeOf(body) === undefined) return undefined;
  try {
    return readEdiAcknowledgement(body);
  } catch (error) {
    // a damaged one is judged as any other answer
    return tolerate(error, isEngineError, 'reading an answer as an acknowledgement');
  }
}

async function beginningOf({ body }: Message): Promise<string> {
  if (body.inline !== undefined) return ediHeadText(body.inline);
  for await (const chunk of body.stream()) return ediHeadText(chunk);
  return '';
}
