import { kept } from './subject.ts';

let answers = 0;

/** What a user reads of an HL7 message by hand to store and acknowledge it: the fields of its header. */
export async function acknowledged(body: Buffer, origin: string | undefined): Promise<string> {
  const fields = body.toString('latin1', 0, body.indexOf('\r')).split('|');
  const [, encoding, application, facility, receiver, place] = fields;
  const [type, event] = fields[8]?.split('^') ?? [];
  const named = `HL7v2:${type}_${event}:${fields[11]}`;
  await kept({ body, type: named, charset: fields[17], origin, dedupeKey: fields[9] });
  const now = new Date().toISOString().replaceAll(/[-:T]|\..*/g, '');
  answers += 1;
  const own = `${receiver}|${place}|${application}|${facility}`;
  const head = `MSH|${encoding}|${own}|${now}||ACK^${event}^ACK|A${answers}|${fields[10]}|${fields[11]}`;
  return `${head}\rMSA|AA|${fields[9]}\r`;
}
