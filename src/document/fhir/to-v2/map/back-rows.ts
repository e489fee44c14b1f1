/**
 * What the tables of `v2/map`, read backwards, do not say: rows that only lead to v2, in the same notation
 * (`v2/read-map.ts`), tried after the others. Two forms are only here: `appended` puts a text behind
 * what is there. `- ROW` is a row of the table that is not read backwards, by its source and target.
 */
export const BACK_ROWS: Readonly<Record<string, string>> = {
  XPN: `
3 given+ appended
6 suffix+ appended
5 prefix+ appended
2 text string`,
  XAD: `
- 1.2 line
- 1.3 line
2 line+ appended
1.1 text string`,
  XCN: `
3 name[0].given+ appended
2.1 name[0].text string`,
  CNN: `
3 name[0].given+ appended
2 name[0].text string`,
  XON: `
- 3 identifier
3 identifier[0].value string`,
  HDorganization: `
- 1 identifier
1 identifier+ value=string
2 identifier+ value=string
3 . idType`,
  HDdevice: `
- 1 identifier
1 identifier+ value=string
2 identifier+ value=string
3 . idType`,
  'PID:Patient': `
- 2 identifier
- 4 identifier
- 9 name
- 12 address
- 18 identifier
18 identifier+ CX type=~AN
19 identifier+ value=string system="http://hl7.org/fhir/sid/us-ssn"
14 telecom+ XTN use="work"`,
  'NK1:RelatedPerson': `
- 30 name
- 31 telecom
- 32 address
- 12 identifier
- 40 telecom
- 41 telecom
3 relationship+ CWE/Relationship
33 identifier+ CX`,
  'PV1:Encounter': `
- 2 status
- 45 status
- 11 location
3 location+ location=@Location:PL
7 participant+ individual=@Practitioner:XCN type[0]=~PPRF
7 participant+ individual=@Practitioner:XCN type[0]=~SPRF
19 identifier+ CX`,
  'PV2:Encounter': `
- 1 location
- 13 participant`,
  'IN1:Coverage': `
2 type CWE
36 identifier+ value=string`,
  'ORC:ServiceRequest': `
- 33 identifier
- 1 status
2 identifier+ EI`,
  'OBR:ServiceRequest': `
- 53 identifier
- 11 intent
2 identifier+ EI
- 27.4 occurrenceDateTime
- 29.1 basedOn`,
  'OBR:DiagnosticReport': `
3 identifier+ EI
32 resultsInterpreter+ @Practitioner:NDL
7 effectivePeriod.start dateTime`,
  'SPM:Specimen': `
- 2 identifier
- 31 identifier
2.2 identifier+ EI
2.1 identifier+ EI
17 collection.collectedPeriod DR
8 collection.bodySite CWE`,
  'OBX:Observation': `
- 5 .
- 5 component
- * valueString
- 7 referenceRange
21 identifier+ EI
14 effectivePeriod.start dateTime
14 effectiveInstant dateTime`,
  'AL1:AllergyIntolerance': `
- 4 criticality
4 reaction[0].severity code/ReactionSeverity
4 criticality code/AllergyCriticality
5 reaction[0].manifestation+ CWE
3 reaction[0].substance CWE
6 recordedDate dateTime`,
  'DG1:Condition': `
19 recordedDate dateTime
5 recordedDate dateTime`,
  'PR1:Procedure': `
5 performedPeriod.start dateTime
12 performer+ actor=@Practitioner:XCN`,
  'MSH:MessageHeader': `
- 9.2 eventCoding
- 9.1 eventCoding
- 24.1 source
- 24 source
- 25 destination
- 23 destination
- 22 responsible`,
};
