import { documentOf } from '../../src/document/document-of.ts';
import { hl7Header } from '../../src/document/hl7/header.ts';
import { expressionEnvironment } from '../../src/expression/environment.ts';
import type { Scope } from '../../src/expression/expression.ts';
import type { LookupTables } from '../../src/lookup/lookup-tables.ts';
import type { Envelope } from '../../src/message/message.ts';

/** A made-up admission with the fields that rules and transforms use. */
export const ADMISSION = [
  'MSH|^~\\&|EPIC|MAIN|HUB|CITY|20260131153000||ADT^A01^ADT_A01|MSG001|P|2.5.1',
  'EVN|A01|20260131153000',
  'PID|1||4711^^^MAIN^MR~999-11-2222^^^SSA^SS||DOE^JANE||19800229|F|||12 OAK ST^^TOWN||(555) 010-2030',
  'NK1|1|DOE^JOHN|SPO',
  'NK1|2|DOE^ANN|MTH',
  'PV1|1|I|W1^101^A|U|||1234^WELBY^MARCUS||||||||||||V5678',
].join('\r');

/** A made-up result with two orders, each with observations. */
export const RESULT = [
  'MSH|^~\\&|LAB|MAIN|HUB|CITY|20260131153000||ORU^R01^ORU_R01|MSG002|P|2.5.1',
  'PID|1||4711^^^MAIN^MR||DOE^JANE||19800229|F',
  'OBR|1|||CHEM^Chemistry',
  'OBX|1|NM|GLU^Glucose||11.5|mmol/l|||||F',
  'NTE|1||fasting',
  'OBX|2|ST|COM^Comment||see note|||||F',
  'OBR|2|||HEM^Haematology',
  'OBX|1|NM|HGB^Haemoglobin||8.1|mmol/l|||||F',
].join('\r');

export function envelope(given: Partial<Envelope> = {}): Envelope {
  return {
    id: 7,
    sessionId: 5,
    source: 'adt-in',
    target: 'adt-router',
    type: 'text/plain',
    created: Date.UTC(2026, 0, 31, 15, 31),
    received: Date.UTC(2026, 0, 31, 15, 30),
    size: 0,
    ...given,
  };
}

/** The input of an expression for a body; its type is read from the HL7 itself. */
export function scopeOf(body: string, given: Partial<Envelope> = {}): Scope {
  const bytes = Buffer.from(body);
  const type = given.type ?? hl7Header(bytes).type;
  const message = envelope({ size: bytes.byteLength, ...given, type });
  const document = documentOf(bytes, { type, charset: message.charset });
  return { message, document: () => document };
}

/** Code tables in memory. */
export function lookupTables(
  tables: Readonly<Record<string, Readonly<Record<string, string>>>>,
): LookupTables {
  return {
    names: Object.keys(tables),
    lookup: (table, key, otherwise = '') => tables[table]?.[key] ?? otherwise,
  };
}

/** 31 January 2026, 15:30 UTC. */
export const NOW = Date.UTC(2026, 0, 31, 15, 30);

/** An environment with one table, a fixed clock, and UTC. */
export const environment = expressionEnvironment({
  lookups: lookupTables({ wards: { W1: 'North' } }),
  now: () => NOW,
  zone: 'UTC',
});

/** The value of an expression on a body; throws with its problems if it is wrong. */
export function valueOf(source: string, scope: Scope): unknown {
  const compiled = environment.compile(source, { result: 'any' });
  if (!compiled.ok) throw new Error(compiled.problems.map(({ text }) => text).join(' '));
  return compiled.expression.evaluate(scope);
}
