import { EngineError } from '../../../error/engine-error.ts';
import { eventBack, type HeaderFacts, headerBack } from './header.ts';
import type { MessageWriter } from './message-writer.ts';
import { factsBack, patientBack, visitBack } from './patient-back.ts';
import { type PatientGroup, patientGroups } from './patient-group.ts';
import { observationBack } from './results-back.ts';

/** The segments of an ADT message. */
export function admissionBack(writer: MessageWriter, facts: HeaderFacts): void {
  const groups = patientGroups(writer.index);
  if (groups.length > 1) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `the Bundle is about ${groups.length} patients, and an ADT message is about one. Send a Bundle for each.`,
    );
  }
  const group: PatientGroup = groups[0] ?? { patient: undefined, merged: undefined, resources: [] };
  headerBack(writer, facts);
  eventBack(writer, facts.now);
  patientBack(writer, group);
  visitBack(writer, group, true);
  for (const resource of group.resources) {
    if (resource.resourceType === 'Observation') observationBack(writer, resource);
  }
  factsBack(writer, group, 'AllergyIntolerance', 'AL1');
  factsBack(writer, group, 'Condition', 'DG1');
  factsBack(writer, group, 'Procedure', 'PR1');
  factsBack(writer, group, 'Coverage', 'IN1');
}
