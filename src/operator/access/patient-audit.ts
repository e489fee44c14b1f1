import { LRUCache } from 'lru-cache';
import type { Audit, AuditEntry } from '../../access/audit/audit.ts';
import type { Bodies } from '../../broker/bodies.ts';
import { keyReader } from '../../trace/key-reader.ts';
import { scopeOf } from '../../trace/scope.ts';
import type { TraceReader } from '../../trace/trace-store.ts';

export interface PatientAuditOptions {
  readonly trace: Pick<TraceReader, 'message' | 'body'>;
  readonly bodies: Pick<Bodies, 'open'>;
  /** The production's search fields, name → path. */
  readonly search: () => ReadonlyMap<string, string>;
  /** Those that identify a patient. */
  readonly fields: () => readonly string[];
}

/** Paths of patients' own ids, in the kinds of documents that have fixed ones. */
const PATHS = /^(?:PID-(?:2|3|4)(?:[[.].*)?|PatientID|\(0010,0020\)|(?:.*\/)?patientId)$/i;
const NAMES = /^(?:mrn|pid|patient(?:[-_ ]?id)?)$/i;

/** Which search fields identify a patient, as configured or else by their path or name. */
export function patientFields(
  search: ReadonlyMap<string, string>,
  configured: readonly string[] | undefined,
): readonly string[] {
  const names = [...search].filter(([name, path]) => PATHS.test(path) || NAMES.test(name));
  return configured ?? names.map(([name]) => name);
}

/** Patients of messages that were looked at lately. */
const REMEMBERED = 5_000;

/**
 * An audit log that also says which patients an act on a message showed, by the keyed hash of each id, so that an
 * auditor can ask who saw a patient.
 */
export function patientAudit(audit: Audit, options: PatientAuditOptions): Audit {
  const known = new LRUCache<number, readonly string[]>({ max: REMEMBERED });
  const ofMessage = async (id: number): Promise<readonly string[]> => {
    const remembered = known.get(id);
    if (remembered !== undefined) return remembered;
    const found = await patientsOf(options, id);
    if (found !== undefined) known.set(id, found);
    return found ?? [];
  };
  return {
    async record(entry) {
      const id = messageOf(entry);
      if (id === undefined || entry.detail?.['patient'] !== undefined) return audit.record(entry);
      const patient = await ofMessage(id);
      const detail = patient.length === 0 ? entry.detail : { ...entry.detail, patient };
      return audit.record({ ...entry, detail });
    },
  };
}

/** The message or session that an act is about. */
function messageOf({ action, object }: AuditEntry): number | undefined {
  const [, id] = /^(?:message|session) (\d{1,16})$/.exec(object) ?? [];
  return action.startsWith('message.') && id !== undefined ? Number(id) : undefined;
}

/** From its own body or, if that names none, from the one its branch or session began with. Undefined if it is not there. */
async function patientsOf(
  { trace, bodies, search, fields }: PatientAuditOptions,
  id: number,
): Promise<readonly string[] | undefined> {
  const wanted = new Map([...search()].filter(([name]) => fields().includes(name)));
  if (wanted.size === 0) return [];
  const read = keyReader(wanted, Promise.resolve(bodies));
  const message = await trace.message(id);
  if (message === undefined) return undefined;
  for (const one of new Set([id, scopeOf(message), message.sessionId])) {
    const body = await trace.body(one);
    const keys = body === undefined ? [] : await read(body);
    const values = keys.filter(({ name }) => wanted.has(name)).map(({ value }) => value);
    if (values.length > 0) return [...new Set(values)];
  }
  return [];
}
