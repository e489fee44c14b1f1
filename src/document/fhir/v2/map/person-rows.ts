/**
 * The header, the patient and related persons, from the segment maps of HL7's v2-to-FHIR guide. How a row
 * is written: read-map.ts.
 */
export const PERSON_ROWS = `
= MSH:MessageHeader
9.2 eventCoding code=code system="http://terminology.hl7.org/CodeSystem/v2-0003"
9.1 eventCoding? code=code system="http://terminology.hl7.org/CodeSystem/v2-0076"
* eventUri "urn:id:unknown" ? no:event
3 source.name string
24.1 source.name string
3 source.endpoint endpoint
24 source.endpoint endpoint
* source._endpoint.extension+ url=$data-absent-reason valueCode="unknown" ? no:source.endpoint
4 sender @Organization:HDorganization
5 destination[0].name string
5 destination[0].endpoint endpoint
25 destination[0].endpoint endpoint
6 destination[0].receiver @Organization:HDorganization
23 destination[0].receiver @Organization:HDorganization
* destination[0]._endpoint.extension+ url=$data-absent-reason valueCode="unknown" ? no:destination.endpoint has:destination
22 responsible @Organization:XON
11 meta PT
19.1 language code
7 -
10 -
1 -
9 -
12 -
13 -
15 -
16 -
17 -
18 -
21 -

= SFT:MessageHeader
2 source.version string
3 source.software string

= MSA:MessageHeader
1 - 
2 -

= EVN:Provenance
1 activity text=string
2 recorded instant
MSH-7 recorded? instant
4 reason+ CWE/0062
5 agent+ who=@Practitioner:XCN
MSH-4 agent+ who=@Organization:HDorganization ? !5
6 occurredDateTime dateTime
7 location @Location:HDorganization

= PID:Patient
1 -
2 identifier+ CX
3 identifier+ CX
4 identifier+ CX
5 name+ XPN
6.1 extension+ url=$patient-mothersMaidenName valueString=string
7 birthDate date
7 _birthDate.extension+ url=$patient-birthTime valueDateTime=timed
* active "false" ? MSH-9.2=A29
8 gender code/Gender
9 name+ XPN
10 extension+ url="http://hl7.org/fhir/us/core/StructureDefinition/us-core-race" .=race
11 address+ XAD
12 address[0].district? string
13 telecom+ XTN use?="home"
13 telecom+ mailBeside
14 telecom+ XTN use?="work"
14 telecom+ mailBeside use?="work"
15 communication+ language=CWE/0296
16 maritalStatus CWE/MaritalStatus
17 extension+ url=$patient-religion valueCodeableConcept=CWE/0006
18 identifier+ CX type?=~AN
19 identifier+ value=string type=~SS system="http://hl7.org/fhir/sid/us-ssn"
20 identifier+ DLN
22 extension+ url="http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity" .=race
23 extension+ url=$patient-birthPlace valueAddress.text=string
24 multipleBirthBoolean boolean ? !25
25 multipleBirthInteger integer
26 extension+ url=$patient-citizenship extension[0].url="code" extension[0].valueCodeableConcept=CWE/0171
28 extension+ url=$patient-nationality extension[0].url="code" extension[0].valueCodeableConcept=CWE/0212
29 deceasedDateTime dateTime
30 deceasedBoolean boolean ? !29
33 meta.lastUpdated instant
39 extension+ url=$patient-citizenship extension[0].url="code" extension[0].valueCodeableConcept=CWE/0171
40 telecom+ XTN
40 telecom+ mailBeside
* Provenance/target+ ->Patient

= PD1:Patient
3 generalPractitioner+ @Organization:XON
4 generalPractitioner+ @Practitioner:XCN
6 extension+ url=$patient-disability valueCodeableConcept=CWE/0295
14.1 extension+ url=$patient-congregation valueString=string

= PD1:Observation
* status "final"
* code ~living-will
* subject ->Patient
7 valueCodeableConcept CWE/0315

= MRG:Merged
1 identifier+ CX
2 identifier+ CX
4 identifier+ CX
7 name+ XPN
* active "false"
* link+ other=->Patient type="replaced-by"

= NK1:RelatedPerson
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
1 -
2 name+ XPN
3 relationship+ CWE/Relationship
4 address+ XAD
5 telecom+ XTN
5 telecom+ mailBeside
6 telecom+ XTN use?="work"
6 telecom+ mailBeside use?="work"
7 relationship+ CWE/0131
8 period.start date
9 period.end date
12 identifier+ CX
15 gender code/Gender
16 birthDate date
20 communication+ language=CWE/0296
30 name+ XPN
31 telecom+ XTN
32 address+ XAD
33 identifier+ CX
37 identifier+ value=string type=~SS system="http://hl7.org/fhir/sid/us-ssn"
40 telecom+ XTN
41 telecom+ XTN

= ROL:Patient
4 generalPractitioner+ @Practitioner:XCN ? 2!=DE|UN
3 - ? 3=PP|FHCP
1 -
2 - ? 2!=DE|UN

= ROL:Encounter
4 participant+ individual=@Practitioner:XCN type[0]=^3:CWE/0443 period.start=^5:dateTime period.end=^6:dateTime ? 2!=DE|UN
1 -
2 - ? 2!=DE|UN

= IN1:Coverage
* status "entered-in-error" ? 55=D
* status? "active"
55 -
* beneficiary ->Patient
* beneficiary.extension+ url=$data-absent-reason valueCode="unknown" ? no:beneficiary
1 -
2 identifier+ value=string
36 subscriberId string
49.1 subscriberId string
36 identifier+ value=string type=~MB
4 payor+ @Organization:XON
3 payor+ @Organization:CXorganization ? !4
8 class+ value=string type=~GROUP name=^9.1:string
12 period.start date
13 period.end date
15 type CWE/0086
* subscriber ->Patient ? 17=SEL|18|01
* subscriber @RelatedPerson:insured ? 16 17!=SEL|18|01
16 - ? 17=SEL|18|01
17 relationship CWE/Relationship
22 order positiveInt
* payor+ ->Patient ? !4 !3

= insured
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
16 name+ XPN
18 birthDate date
19 address+ XAD
43 gender code/Gender
`;
