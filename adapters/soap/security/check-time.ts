import { SecurityProblem, type XmlElement } from 'waybill/document';
import { UTILITY } from '../envelope.ts';
import { childOf, trimmed } from '../xml.ts';

/** xs:dateTime with a zone. */
const TIME = /^-?\d{4,9}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970 of a time in an envelope; undefined if there is none. */
function timeOf(parent: XmlElement, name: string): number | undefined {
  const element = childOf(parent, UTILITY, name);
  if (element === undefined) return undefined;
  const text = trimmed(element);
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new SecurityProblem('InvalidSecurity', `${name} is no time with a zone`);
  }
  return time;
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1_000)} s`;

/** Checks Created and Expires of a timestamp against our clock; the reason says how far they are apart. */
export function checkTimestamp(timestamp: XmlElement, tolerance: number, now = Date.now()): void {
  const created = timeOf(timestamp, 'Created');
  const expires = timeOf(timestamp, 'Expires');
  if (created !== undefined) checkNotEarly(created, tolerance, now);
  if (expires !== undefined && expires + tolerance < now) {
    throw new SecurityProblem(
      'MessageExpired',
      `the message expired ${seconds(now - expires)} ago by the clock here (${new Date(now).toISOString()}); compare the clocks`,
    );
  }
}

function checkNotEarly(created: number, tolerance: number, now: number): void {
  if (created - tolerance <= now) return;
  throw new SecurityProblem(
    'MessageExpired',
    `the message is from the future, by ${seconds(created - now)} of the clock here (${new Date(now).toISOString()}); compare the clocks`,
  );
}

/** The time of a token that may be used only for a while; undefined if it has none. */
export function checkCreated(
  token: XmlElement,
  tolerance: number,
  now = Date.now(),
): number | undefined {
  const created = timeOf(token, 'Created');
  if (created === undefined) return undefined;
  checkNotEarly(created, tolerance, now);
  if (created + tolerance < now) {
    throw new SecurityProblem(
      'MessageExpired',
      `the user name token was made ${seconds(now - created)} ago by the clock here (${new Date(now).toISOString()}); compare the clocks`,
    );
  }
  return created;
}
