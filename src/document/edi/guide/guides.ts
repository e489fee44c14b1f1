import {
  DENTAL_4010,
  DENTAL_5010,
  INSTITUTIONAL_4010,
  INSTITUTIONAL_5010,
  PROFESSIONAL_4010,
  PROFESSIONAL_5010,
} from './claims.ts';
import { type GuideLoop, readGuide } from './guide.ts';
import {
  AUTHORISATION_4010,
  AUTHORISATION_5010,
  CLAIM_ACKNOWLEDGEMENT_5010,
  ELIGIBILITY_INQUIRY_4010,
  ELIGIBILITY_INQUIRY_5010,
  ELIGIBILITY_RESPONSE_4010,
  ELIGIBILITY_RESPONSE_5010,
  STATUS_REQUEST_4010,
  STATUS_REQUEST_5010,
  STATUS_RESPONSE_4010,
  STATUS_RESPONSE_5010,
} from './inquiries.ts';
import {
  ACKNOWLEDGEMENT_5010,
  ENROLMENT_4010,
  ENROLMENT_5010,
  PREMIUM_4010,
  PREMIUM_5010,
  REMITTANCE_4010,
  REMITTANCE_5010,
} from './payments.ts';

/** An implementation guide that is known. */
export interface Guide {
  /** ST-1 */
  readonly set: string;
  /** Its common name, used in message types: `837P`. */
  readonly name: string;
  /** Its number without an addendum: `005010X222`. */
  readonly id: string;
  /** Only its loops are known well enough, not its requirements. */
  readonly loopsOnly?: true;
  readonly text: string;
}

/** All of them. The numbers of addenda (A1, A2) follow in ST-3 and GS-8 and change nothing here. */
export const GUIDES: readonly Guide[] = [
  { set: '837', name: '837P', id: '005010X222', text: PROFESSIONAL_5010 },
  { set: '837', name: '837I', id: '005010X223', text: INSTITUTIONAL_5010 },
  { set: '837', name: '837D', id: '005010X224', loopsOnly: true, text: DENTAL_5010 },
  { set: '835', name: '835', id: '005010X221', text: REMITTANCE_5010 },
  { set: '270', name: '270', id: '005010X279', text: ELIGIBILITY_INQUIRY_5010 },
  { set: '271', name: '271', id: '005010X279', text: ELIGIBILITY_RESPONSE_5010 },
  { set: '276', name: '276', id: '005010X212', text: STATUS_REQUEST_5010 },
  { set: '277', name: '277', id: '005010X212', text: STATUS_RESPONSE_5010 },
  { set: '277', name: '277CA', id: '005010X214', text: CLAIM_ACKNOWLEDGEMENT_5010 },
  { set: '278', name: '278', id: '005010X217', loopsOnly: true, text: AUTHORISATION_5010 },
  { set: '834', name: '834', id: '005010X220', text: ENROLMENT_5010 },
  { set: '820', name: '820', id: '005010X218', text: PREMIUM_5010 },
  { set: '999', name: '999', id: '005010X231', text: ACKNOWLEDGEMENT_5010 },
  { set: '837', name: '837P', id: '004010X098', text: PROFESSIONAL_4010 },
  { set: '837', name: '837I', id: '004010X096', text: INSTITUTIONAL_4010 },
  { set: '837', name: '837D', id: '004010X097', text: DENTAL_4010 },
  { set: '835', name: '835', id: '004010X091', text: REMITTANCE_4010 },
  { set: '270', name: '270', id: '004010X092', text: ELIGIBILITY_INQUIRY_4010 },
  { set: '271', name: '271', id: '004010X092', text: ELIGIBILITY_RESPONSE_4010 },
  { set: '276', name: '276', id: '004010X093', text: STATUS_REQUEST_4010 },
  { set: '277', name: '277', id: '004010X093', text: STATUS_RESPONSE_4010 },
  { set: '278', name: '278', id: '004010X094', loopsOnly: true, text: AUTHORISATION_4010 },
  { set: '834', name: '834', id: '004010X095', text: ENROLMENT_4010 },
  { set: '820', name: '820', id: '004010X061', text: PREMIUM_4010 },
];

const read = new Map<Guide, GuideLoop>();

/** The loops of a guide. */
export function loopsOf(guide: Guide): GuideLoop {
  const before = read.get(guide);
  if (before !== undefined) return before;
  const loops = readGuide(guide.text);
  read.set(guide, loops);
  return loops;
}

/**
 * The guide of a transaction set, by ST-1 and ST-3 or else GS-8 (4010 has no ST-3). Without a guide number
 * (`005010`) the only one of that release; there are three for 837.
 */
export function knownGuide(set: string, version: string): Guide | undefined {
  const ofSet = GUIDES.filter((guide) => guide.set === set);
  const exact = ofSet.find(({ id }) => version.startsWith(id));
  if (exact !== undefined || version.includes('X')) return exact;
  const ofRelease = ofSet.filter(
    ({ id }) => version.length >= 6 && id.startsWith(version.slice(0, 6)),
  );
  return ofRelease.length === 1 ? ofRelease[0] : undefined;
}
