import type { Reply } from '../message/message.ts';
import { mediaType } from './data-type.ts';
import { formatDate } from './date-format.ts';
import { plainTextOf } from './plain-text.ts';
import { ERROR, FILTERED, QUEUED, SENT } from './response.ts';

/** What scripts use under the name `ACKGenerator`: the acknowledgement of an HL7 message, with its code and text. */
export const ACKGenerator = { generateAckResponse };

/** Scripts also write `new ACKGenerator.generateAckResponse(…)`, which is the same. */
function generateAckResponse(...given: readonly unknown[]): string {
  // either (message, code, text), or (message, isXml, code, text, dateFormat, error)
  const isLong = given.length > 3;
  const [message, , ...long] = given;
  const [code, note, dates, error] = isLong ? long : given.slice(1);
  const made = acknowledged(plainTextOf(message), {
    code: plainTextOf(code ?? 'AA'),
    note: plainTextOf(note ?? ''),
    dates: plainTextOf(dates ?? 'yyyyMMddHHmmss'),
    error: plainTextOf(error ?? ''),
  });
  return new.target === undefined ? made : (Object(made) as string);
}

interface Answered {
  readonly code: string;
  readonly note: string;
  readonly dates: string;
  readonly error: string;
}

function acknowledged(message: string, { code, note, dates, error }: Answered): string {
  const [header = ''] = message.split(/[\r\n]/, 1);
  if (!/^MSH.{5}/.test(header))
    throw new Error('the message to be acknowledged does not begin with MSH');
  const field = header[3] ?? '|';
  const component = header[4] ?? '^';
  const fields = header.split(field);
  const part = (number: number, index = 0): string =>
    fields[number - 1]?.split(component)[index] ?? '';
  const version = part(12) || '2.4';
  const time = formatDate(dates, new Date());
  const isNew = /^2\.(\d+)/.exec(version)?.[1] ?? '4';
  const kind = Number(isNew) > 3 ? ['ACK', part(9, 1), 'ACK'].join(component) : 'ACK';
  const mode = part(11, 1);
  const processing = `${part(11) || 'P'}${mode === '' ? '' : component + mode}`;
  const parties = [part(5) || 'MIRTH', part(6), part(3), part(4)];
  const top = ['MSH', fields[1] ?? '^~\\&', ...parties, time, '', kind, time, processing, version];
  const answer = ['MSA', code, part(10) || '1', ...(note === '' ? [] : [note])];
  const fault = error === '' ? [] : [['ERR', error].join(field)];
  return [top.join(field), answer.join(field), ...fault].map((line) => `${line}\r`).join('');
}

/** The code and text of an acknowledgement. */
type Acknowledgement = readonly [code: string, text: string];

export interface Acknowledgements {
  readonly accepted?: Acknowledgement;
  readonly failed?: Acknowledgement;
  readonly rejected?: Acknowledgement;
}

interface Answering {
  readonly source: { readonly http?: unknown };
  readonly destinations: readonly unknown[];
  readonly answersForDestinations?: boolean;
  readonly acknowledgements?: Acknowledgements;
}

/**
 * The acknowledgement of HL7 that Mirth Connect makes: a message that is filtered out is rejected. `statuses` are that of
 * the source, then those of the destinations that the message got to.
 */
export function ownAcknowledgement(
  of: Answering,
  message: string,
  [source = SENT, ...destinations]: readonly string[],
): Reply {
  const {
    accepted = ['AA', ''],
    failed = ['AE', 'An Error Occurred Processing Message.'],
    rejected = ['AR', 'Message Rejected.'],
  } = of.acknowledgements ?? {};
  const status =
    of.answersForDestinations === true ? overall(destinations, of.destinations.length) : source;
  const kinds = new Map([
    [ERROR as string, failed],
    [FILTERED, rejected],
  ]);
  const [code, note] = kinds.get(status) ?? accepted;
  const dates = 'yyyyMMddHHmmss.SSS';
  const body = ACKGenerator.generateAckResponse(message, false, code, note, dates);
  const ofHl7 = of.source.http === undefined ? { code } : {};
  return { body: Buffer.from(body), type: mediaType('HL7V2', body), ...ofHl7 };
}

/** One for all destinations: the first of these that one of them has; an error if the message did not get to all. */
const overall = (statuses: readonly string[], count: number): string =>
  [ERROR, QUEUED, SENT, FILTERED].find((one) => statuses.includes(one)) ??
  (statuses.length < count ? ERROR : SENT);
