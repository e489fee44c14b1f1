/**
 * What each segment of a message becomes, from the message maps of HL7's v2-to-FHIR guide:
 * `SEGMENT WHAT…`, under the types of message (MSH-9.1) it is for; `*` is for all that say nothing
 * else of the segment. `new Patient` begins a resource, `once ServiceRequest` continues the current
 * one unless such a segment is in it already, `join` continues it. `Type:name` takes another table of
 * rows than `SEGMENT:Type`. `@A40` applies to that event only (MSH-9.2), `<OBX` after that segment only
 * (notes aside), `>RXO` if that one follows before the next of the same name. `clear=` ends what belonged to an earlier group.
 */
export const MESSAGE_ROWS = `
= *
MSH new MessageHeader
SFT join MessageHeader
MSA join MessageHeader
EVN new Provenance
PID new Patient clear=all
PD1 join Patient ; new Observation if=7
MRG new Merged @A18|A30|A34|A36|A39|A40|A46|A47
ROL join Encounter <PV1|PV2
ROL join Patient <PID|PD1
NK1 new RelatedPerson
PV1 new Encounter
PV2 join Encounter
AL1 new AllergyIntolerance
IAM new AllergyIntolerance
DG1 new Condition
PR1 new Procedure
IN1 new Coverage
OBX new Observation
NTE join Observation:note <OBX
NTE join AllergyIntolerance:note <AL1|IAM
NTE join Condition:note <DG1
NTE join Procedure:note <PR1
NTE join ServiceRequest:note <ORC|OBR|TQ1
NTE join MedicationRequest:note <RXO|RXE|RXR
NTE join Immunization:note <RXA

= ORU
ORC new ServiceRequest clear=order
OBR once ServiceRequest clear=report ; new DiagnosticReport ; new Specimen if=15|10|14
SPM new Specimen
TQ1 join ServiceRequest

= ORM OML OMG OMP ORR ORL RDE RDS OMI
ORC new MedicationRequest >RXO|RXE clear=order
ORC new ServiceRequest clear=order
OBR once ServiceRequest
TQ1 join MedicationRequest <RXO|RXE|RXR
TQ1 join ServiceRequest
RXO once MedicationRequest
RXE once MedicationRequest
RXR join MedicationRequest
SPM new Specimen

= VXU
ORC new Immunization clear=order
RXA once Immunization
RXR join Immunization

= SIU SRM
SCH new Appointment
TQ1 join Appointment
PID new Patient ; join Appointment
RGS join Appointment
AIS join Appointment
AIG join Appointment
AIL join Appointment
AIP join Appointment
NTE join Appointment:comment <SCH|AIS|AIG|AIL|AIP|RGS

= MDM
ORC new ServiceRequest clear=order
OBR once ServiceRequest
TXA new DocumentReference
OBX join DocumentReference
NTE join DocumentReference:description <TXA
`;

/** The resources a message is about: they are replaced by what it says, while others it mentions are only created. */
export const ABOUT: Readonly<Record<string, readonly string[]>> = {
  ADT: ['Patient', 'Encounter'],
  ORU: ['DiagnosticReport', 'Observation'],
  ORM: ['ServiceRequest', 'MedicationRequest'],
  OML: ['ServiceRequest'],
  OMG: ['ServiceRequest'],
  OMI: ['ServiceRequest'],
  OMP: ['MedicationRequest'],
  RDE: ['MedicationRequest'],
  RDS: ['MedicationRequest'],
  SIU: ['Appointment'],
  VXU: ['Immunization'],
  MDM: ['DocumentReference'],
};
