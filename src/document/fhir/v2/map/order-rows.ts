/**
 * Orders, specimens, results, prescriptions and vaccinations, from the segment maps of HL7's
 * v2-to-FHIR guide. How a row is written: read-map.ts.
 */
export const ORDER_ROWS = `
= ORC:ServiceRequest
* intent "order"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
* encounter ->Encounter
5 status code/OrderStatus
1 status? code/OrderOfControl
* status? "active" ? MSH-9.1!=ORU
1 -
2 identifier+ EI type=~PLAC
3 identifier+ EI type=~FILL
4 requisition EI type=~PGN
7.4 occurrenceDateTime dateTime
7.6 priority code/RequestPriority
9 authoredOn dateTime
12 requester @Practitioner:XCN ? !21
* requester @PractitionerRole:ORCrole ? 21
14 extension+ url=$servicerequest-order-callback-phone-number valueContactPoint=XTN
16 extension+ url=$request-statusReason valueCodeableConcept=CWE
29 locationCode+ CWE/0482
33 identifier+ CX type?=~PLAC
38 identifier+ EI type=~FGN

= OBR:ServiceRequest
* intent? "order"
* status? "active" ? MSH-9.1!=ORU
25 status "revoked" ? MSH-9.1=ORU 25=X
25 status? code/OrderOfReport
* status? "completed"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
* encounter ->Encounter
1 -
2 identifier+ EI type=~PLAC
3 identifier+ EI type=~FILL
4 code CWE
5 priority code/RequestPriority
6 occurrenceDateTime dateTime
11 intent "reflex-order" ? 11=G
13 note+ text=codeText
16 requester? @Practitioner:XCN
17 extension+ url=$servicerequest-order-callback-phone-number valueContactPoint=XTN
27.4 occurrenceDateTime dateTime
27.6 priority code/RequestPriority
29.1 basedOn+ type="ServiceRequest" identifier=EI
31 reasonCode+ CWE
46 orderDetail+ CWE
47 orderDetail+ CWE
53 identifier+ CX type?=~PLAC
10 performer+ @Practitioner:XCN ? MSH-9.1!=ORU

= TQ1:ServiceRequest
1 -
7 occurrencePeriod.start dateTime ? no:occurrenceDateTime
8 occurrencePeriod.end dateTime ? no:occurrenceDateTime
9 priority code/RequestPriority
2 quantityQuantity CQ
11 note+ text=markdown

= OBR:DiagnosticReport
* subject ->Patient
* encounter ->Encounter
* basedOn+ ->ServiceRequest
25 status code/ReportStatus
* status? "unknown"
2 identifier+ EI type=~PLAC
3 identifier+ EI type=~FILL
4 code CWE
* code.extension+ url=$data-absent-reason valueCode="unknown" ? no:code
7 effectiveDateTime dateTime ? !8
7 effectivePeriod.start dateTime ? 8
8 effectivePeriod.end dateTime
22 issued instant
24 category+ CWE/0074
32 resultsInterpreter+ @Practitioner:NDL
34 performer+ @Practitioner:NDL
35 performer+ @Practitioner:NDL

= OBR:Specimen
* subject ->Patient
15 . SPS
7 collection.collectedDateTime dateTime ? !8
7 collection.collectedPeriod.start dateTime ? 8
8 collection.collectedPeriod.end dateTime
9 collection.quantity CQ
10 collection.collector @Practitioner:XCN
14 receivedTime dateTime
39 note+ text=codeText
* DiagnosticReport/specimen+ ->Specimen

= SPS
1.1 type.coding[0].code code
1.2 type.coding[0].display string
1.3 type.coding[0].system system
1.2 type.text? string
2 container[0].additiveCodeableConcept.text string
3 note+ text=markdown
4 collection.bodySite.text string
6 condition[0].text string

= SPM:Specimen
* subject ->Patient
1 -
2 identifier+ EIP
2 identifier+ EIPfiller
3 parent+ identifier=EIP
4 type CWE/0487
6 container[0].additiveCodeableConcept CWE/0371
7 collection.method CWE/0488
8 collection.bodySite CWE
12 collection.quantity CQ
14 note+ text=markdown
17.1 collection.collectedDateTime dateTime ? !17.2
17 collection.collectedPeriod DR ? 17.2
18 receivedTime dateTime
20 status code/SpecimenStatus
24 condition+ CWE/0493
27 container[0].type CWE
30 accessionIdentifier CX
31 identifier+ CX
* DiagnosticReport/specimen+ ->Specimen
* ServiceRequest/specimen+ ->Specimen

= OBX:Observation
* subject ->Patient
* encounter ->Encounter
* DiagnosticReport/result+ ->Observation
* ServiceRequest/supportingInfo+ ->Observation ? MSH-9.1!=ORU
* partOf+ ->Immunization
1 -
2 -
3 code CWE
* code.extension+ url=$data-absent-reason valueCode="unknown" ? no:code
4 extension+ url=$observation-v2-subid extension[0].url="original-sub-identifier" extension[0].valueString=string
* valueString lines/5 ? #5>1 2=ST|TX|FT
5 . OBXvalue ? #5=1
5 component+ OBXvalue code=^OBX-3:CWE ? #5>1 2!=ST|TX|FT
7 referenceRange+ text=string
8 interpretation+ CWE/Interpretation
10 extension+ url=$observation-nature-of-abnormal-test valueCodeableConcept=CWE/0080
11 status code/ObservationStatus
* status? "unknown"
11 dataAbsentReason coding[0].code="not-asked" coding[0].system="http://terminology.hl7.org/CodeSystem/data-absent-reason" ? 11=N !5
14 effectiveDateTime dateTime
OBR-7 effectiveDateTime? dateTime ? MSH-9.1=ORU
15 performer+ @Organization:CWEorganization
16 performer+ @Practitioner:XCN
17 method CWE
18 device @Device:EIdevice
19 extension+ url="http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.issued" valueDateTime=dateTime
20 bodySite CWE
21 identifier+ EI type=~FILL
* performer+ @Organization:OBXorganization ? 23
25 performer+ @Practitioner:XCN

= OBXvalue
1 valueQuantity quantity ? OBX-2=NM
OBX-6 valueQuantity Units ? OBX-2=NM has:valueQuantity
1 valueString? string ? OBX-2=NM no:value
* valueString markdown ? OBX-2=ST|TX|FT
* valueCodeableConcept CWE ? OBX-2=CE|CWE|CNE|CF|IS|ID
* valueDateTime dateTime ? OBX-2=DT|TS|DTM
* valueTime time ? OBX-2=TM
* valuePeriod DR ? OBX-2=DR
* valueRange NR ? OBX-2=NR
* . SN ? OBX-2=SN
OBX-6 valueQuantity Units ? OBX-2=SN has:valueQuantity
OBX-6 valueRange.low Units ? OBX-2=SN has:valueRange.low
OBX-6 valueRange.high Units ? OBX-2=SN has:valueRange.high
OBX-6 valueRatio.numerator Units ? OBX-2=SN has:valueRatio.numerator
OBX-6 valueRatio.denominator Units ? OBX-2=SN has:valueRatio.denominator
* extension+ url="http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value" valueAttachment=ED ? OBX-2=ED
* extension+ url="http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value" valueAttachment=RP ? OBX-2=RP
* valueString markdown ? no:value no:extension

= NTE:note
1 -
2 -
3 note+ text=markdown authorReference=^5:@Practitioner:XCN time=^6:dateTime

= ORC:MedicationRequest
* intent "order"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
* encounter ->Encounter
5 status code/MedicationStatus
1 status? code/MedicationOfControl
* status? "active"
1 -
2 identifier+ EI type=~PLAC
3 identifier+ EI type=~FILL
4 groupIdentifier EI type=~PGN
9 authoredOn dateTime
12 requester @Practitioner:XCN
16 statusReason CWE

= RXO:MedicationRequest
* intent? "order"
* status? "active"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
1 medicationCodeableConcept CWE
2 dosageInstruction[0].doseAndRate[0].doseRange.low.value decimal ? 3 no:dosageInstruction.doseAndRate.doseQuantity
3 dosageInstruction[0].doseAndRate[0].doseRange.high.value decimal ? no:dosageInstruction.doseAndRate.doseQuantity
2 dosageInstruction[0].doseAndRate[0].doseQuantity.value decimal ? !3 no:dosageInstruction.doseAndRate.doseRange
4 dosageInstruction[0].doseAndRate[0].doseQuantity Units ? has:dosageInstruction.doseAndRate.doseQuantity
6 dosageInstruction[0].patientInstruction string
7 dosageInstruction[0].additionalInstruction+ CWE
11 dispenseRequest.quantity.value decimal
12 dispenseRequest.quantity Units
13 dispenseRequest.numberOfRepeatsAllowed integer
14 requester @Practitioner:XCN

= RXE:MedicationRequest
* intent? "order"
* status? "active"
* subject ->Patient
* subject.extension+ url=$data-absent-reason valueCode="unknown" ? no:subject
1.4 authoredOn? dateTime
2 medicationCodeableConcept CWE
3 dosageInstruction[0].doseAndRate[0].doseQuantity.value decimal ? no:dosageInstruction.doseAndRate.doseRange
5 dosageInstruction[0].doseAndRate[0].doseQuantity Units ? has:dosageInstruction.doseAndRate.doseQuantity
7 dosageInstruction[0].additionalInstruction+ CWE
10 dispenseRequest.quantity.value decimal
11 dispenseRequest.quantity Units
12 dispenseRequest.numberOfRepeatsAllowed integer
13 requester? @Practitioner:XCN
15 identifier+ value=string

= RXR:MedicationRequest
1 dosageInstruction[0].route? CWE/Route
2 dosageInstruction[0].site? CWE/0163
4 dosageInstruction[0].method? CWE/0165

= TQ1:MedicationRequest
1 -
2 dosageInstruction[0].doseAndRate[0].doseQuantity CQ ? no:dosageInstruction.doseAndRate.dose
7 dosageInstruction[0].timing.repeat.boundsPeriod.start dateTime
8 dosageInstruction[0].timing.repeat.boundsPeriod.end dateTime
3.1 dosageInstruction[0].timing.code.text string
9 priority code/RequestPriority
11 note+ text=markdown

= ORC:Immunization
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
* encounter ->Encounter
1 -
2 identifier+ EI type=~PLAC
3 identifier+ EI type=~FILL
9 recorded dateTime
12 performer+ actor=@Practitioner:XCN function=~OP

= RXA:Immunization
* patient ->Patient
* patient.extension+ url=$data-absent-reason valueCode="unknown" ? no:patient
21 status "entered-in-error" ? 21=D
20 status? code/ImmunizationStatus
18 status? "not-done"
5 status? "not-done" ? 5=998
* status? "completed"
1 -
2 -
4 -
3 occurrenceDateTime dateTime
* occurrenceString? "unknown" ? no:occurrence
5 vaccineCode CWE
6 doseQuantity.value dose
7 doseQuantity Units ? 6!=999
9 reportOrigin CWE
10 performer+ actor=@Practitioner:XCN function=~AP
11 location @Location:LA2
15 lotNumber string
16 expirationDate date
17 manufacturer @Organization:CWEorganization
18 statusReason CWE
19 reasonCode+ CWE
21 -
22 recorded dateTime ? 21=A
27 location @Location:PL

= LA2
4.1 name string
1.1 name? string

= RXR:Immunization
1 route CWE/Route
2 site CWE/0163
`;
