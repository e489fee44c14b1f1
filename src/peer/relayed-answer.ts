import {
  type AcknowledgementCode,
  type Answer,
  acknowledgement,
  acknowledgementCode,
} from '../document/hl7/acknowledgement.ts';
import type { Hl7Header } from '../document/hl7/header.ts';
import { hl7Document } from '../document/hl7/hl7-document.ts';
import type { Receipt, Reply } from '../message/message.ts';

const APPLICATION_CODES: ReadonlySet<string> = new Set(['AA', 'AE', 'AR']);

/** What the sender is told about the target's answer. */
export interface RelayedAnswer {
  readonly body: Uint8Array;
  readonly code: 'AA' | 'AE' | 'AR';
  readonly result: 'success' | 'failure';
}

/**
 * Passes the target's answer on to the sender: an HL7 answer keeps its segments, but is addressed
 * to the sender and to its control id; any other answer is expressed in HL7. Without an answer the
 * outcome at the target decides; without either the sender is told to try again.
 */
export function relayedAnswer(header: Hl7Header, receipt: Receipt): RelayedAnswer {
  const relayed = receipt.reply === undefined ? undefined : readdressed(header, receipt.reply);
  const failure = failureOf(receipt);
  // a rule set the message aside, whatever the peer said: the sender must not think it was
  // delivered
  if (relayed !== undefined && (relayed.result === 'failure' || failure === undefined)) {
    return relayed;
  }
  const said = answerFor(receipt);
  const answer = said.code === 'AA' ? (failure ?? said) : said;
  const code = applicationCode(answer.code) ?? 'AE';
  return {
    body: acknowledgement(header, answer),
    code,
    result: code === 'AA' ? 'success' : 'failure',
  };
}

function readdressed(header: Hl7Header, reply: Reply): RelayedAnswer | undefined {
  if (!reply.type.startsWith('HL7v2')) return undefined;
  try {
    const document = hl7Document(reply.body);
    const code = applicationCode(document.get('MSA-1'));
    if (code === undefined) return undefined;
    document.set('MSA-1', code);
    // The sender's own fields, escapes and components unchanged; with other delimiters as plain
    // text.
    const alike = document.delimiters.encoding === header.delimiters.encoding;
    const write = (path: string, value: string): void =>
      alike ? document.setRaw(path, value) : document.set(path, value);
    write('MSA-2', header.controlId);
    write('MSH-3', header.receivingApplication);
    write('MSH-4', header.receivingFacility);
    write('MSH-5', header.sendingApplication);
    write('MSH-6', header.sendingFacility);
    return { body: document.bytes(), code, result: code === 'AA' ? 'success' : 'failure' };
  } catch {
    // An answer that cannot be read is judged by its code alone.
    return undefined;
  }
}

/** Commit codes of a target mean the same to a sender that waits for the application. */
function applicationCode(code: string): RelayedAnswer['code'] | undefined {
  const word = code.trim().replace(/^C/, 'A');
  return APPLICATION_CODES.has(word) ? (word as RelayedAnswer['code']) : undefined;
}

/** The text for a message that did not succeed at its target. */
function failureOf({ outcome }: Receipt): Answer | undefined {
  if (outcome === undefined || outcome.status === 'completed' || outcome.status === 'discarded') {
    return undefined;
  }
  return { code: 'AE', text: outcome.text ?? `The message was ${outcome.status}` };
}

function answerFor({ reply, outcome }: Receipt): Answer {
  if (reply !== undefined) {
    const code = applicationCode(reply.code ?? '') ?? codeOfStatus(reply.code ?? '');
    return code === 'AA'
      ? { code }
      : { code, text: reply.text ?? 'The target refused the message' };
  }
  if (outcome !== undefined) return { code: 'AA' };
  return {
    code: 'AE',
    problems: [
      {
        code: '207',
        text: 'The target did not answer in time; the message is stored',
      },
    ],
  };
}

/** As IRIS does for an HTTP target: 200 is AA, 503 is AR, anything else AE; no code at all is also an answer. */
function codeOfStatus(code: string): AcknowledgementCode {
  if (code === '' || /^2\d\d$/.test(code)) return 'AA';
  return acknowledgementCode(code === '503' ? 'reject' : 'error', false);
}
