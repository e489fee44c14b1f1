/**
 * Visits and what is known at them, from the segment maps of HL7's v2-to-FHIR guide. How a row is
 * written: read-map.ts.
 */
export const VISIT_ROWS = `
= PV1:Encounter
* subject ->Patient
* Provenance/target+ ->Encounter
1 -
45 status "finished" ? MSH-9.2!=A11|A13|A23|A27|A38
MSH-9.2 status? code/EncounterOfEvent
2 status? code/EncounterOfClass
* status? "unknown"
2 class coding/EncounterClass
* class.system? "http://terminology.hl7.org/CodeSystem/v2-0004" ? 2=R|B|C|N|U
* class? system="http://terminology.hl7.org/CodeSystem/v3-NullFlavor" code="UNK"
3 location+ location=@Location:PL status="active" ? 2!=P
3 location+ location=@Location:PL status="planned" ? 2=P
4 type+ CWE/0007
5 hospitalization.preAdmissionIdentifier CX
6 location+ location=@Location:PL status="completed"
7 participant+ individual=@Practitioner:XCN type[0]=~ATND
8 participant+ individual=@Practitioner:XCN type[0]=~REF
9 participant+ individual=@Practitioner:XCN type[0]=~CON
10 serviceType CWE/0069
11 location+ location=@Location:PL status="active"
13 hospitalization.reAdmission CWE/0092
14 hospitalization.admitSource CWE/0023
15 hospitalization.specialArrangement+ CWE/0009
16 hospitalization.specialCourtesy+ CWE/0099
17 participant+ individual=@Practitioner:XCN type[0]=~ADM
19 identifier+ CX type?=~VN
36 hospitalization.dischargeDisposition CWE/0112
37 hospitalization.destination @Location:DLD
38 hospitalization.dietPreference+ CWE/0114
42 location+ location=@Location:PL status="reserved"
44 period.start dateTime
45 period.end dateTime ? MSH-9.2!=A13
50 identifier+ CX
52 participant+ individual=@Practitioner:XCN type[0]=~PART

= DLD
1 name string

= PV1:Coverage
* status "active"
* beneficiary ->Patient
* beneficiary.extension+ url=$data-absent-reason valueCode="unknown" ? no:beneficiary
* payor+ ->Patient
20.1 type CWE/0064

= PV2:Encounter
1 location+ location=@Location:PL status="planned"
3 reasonCode+ CWE
8 extension+ url="http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate" valueDateTime=dateTime
9 extension+ url="http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate" valueDateTime=dateTime
11 length days
12 reasonCode+ text=string
13 participant+ individual=@Practitioner:XCN type[0]=~REF
25 priority CWE/0217
38 extension+ url=$encounter-modeOfArrival valueCoding=coding/0430

= AL1:AllergyIntolerance
* clinicalStatus ~active-allergy
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
1 -
2 category+ code/AllergyCategory
2 type code/AllergyType
3 code CWE
4 criticality code/AllergyCriticality
4 reaction[0].severity code/ReactionSeverity ? 5
5 reaction[0].manifestation+ text=string
6 onsetDateTime dateTime

= IAM:AllergyIntolerance
17 verificationStatus CWE/AllergyVerification
6 verificationStatus ~allergy-error ? 6=D
* clinicalStatus ~inactive-allergy ? 17=I 6!=D
* clinicalStatus? ~active-allergy ? 17!=E 6!=D
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
1 -
2 category+ code/AllergyCategory
2 type code/AllergyType
3 code CWE
4 criticality code/AllergyCriticality
4 reaction[0].severity code/ReactionSeverity ? 5
5 reaction[0].manifestation+ text=string
6 -
7 identifier+ EI
11 onsetDateTime dateTime
12 onsetString string ? !11
13 recordedDate dateTime
14 recorder @Practitioner:XPNpractitioner

= XPNpractitioner
* name+ XPN

= DG1:Condition
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
* encounter ->Encounter
1 -
2 -
3 code CWE
4 code.text string
5 onsetDateTime dateTime
16 asserter @Practitioner:XCN
19 recordedDate dateTime
20 identifier+ EI
21 verificationStatus ~entered-in-error ? 21=D
* Encounter/diagnosis+ condition=->Condition use=^6:CWE/DiagnosisUse rank=^15:positiveInt
* ServiceRequest/reasonReference+ ->Condition

= PR1:Procedure
20 status "entered-in-error" ? 20=D
20 -
* status? "completed"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
* encounter ->Encounter
1 -
2 -
3 code CWE
4 code.text string
5 performedDateTime dateTime
6 category CWE/0230
8 performer+ actor=@Practitioner:XCN function=~anesthetist
11 performer+ actor=@Practitioner:XCN function=~surgeon
12 performer+ actor=@Practitioner:XCN
15 reasonCode+ CWE
19 identifier+ EI
23 location @Location:PL
`;
