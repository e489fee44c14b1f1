/**
 * Appointments and documents, from the segment maps of HL7's v2-to-FHIR guide. How a row is
 * written: read-map.ts.
 */
export const SCHEDULE_ROWS = `
= SCH:Appointment
1 identifier+ EI type=~PLAC
2 identifier+ EI type=~FILL
MSH-9.2 status code/AppointmentOfEvent ? MSH-9.2=S15|S16|S17|S26
25.1 status? code/AppointmentStatus
MSH-9.2 status? code/AppointmentOfEvent
* status? "booked"
6 reasonCode+ CWE
7 reasonCode+ CWE/0276
8 appointmentType CWE/0277
9 minutesDuration integer ? !10
9 minutesDuration integer ? 10=MIN|M|MINUTES|min|minutes|Minutes|m
10 -
11.4 start instant
11.5 end instant
12 participant+ actor=@Practitioner:XCN status="accepted"
16 participant+ actor=@Practitioner:XCN status="accepted"
20 participant+ actor=@Practitioner:XCN status="accepted" type[0]=~enterer
26 basedOn+ type="ServiceRequest" identifier=EI
27 basedOn+ type="ServiceRequest" identifier=EI

= TQ1:Appointment
1 -
7 start instant
8 end instant
9 -

= PID:Appointment
* participant+ actor=->Patient status="accepted"

= RGS:Appointment
1 -
2 -

= AIS:Appointment
1 -
2 - ? 2!=D
3 serviceType+ CWE ? 2!=D
4 start? instant ? 2!=D
7 minutesDuration? integer ? 8=MIN|M|MINUTES|min|minutes|Minutes|m 2!=D

= AIG:Appointment
1 -
2 - ? 2!=D
3 participant+ actor.display=codeText status="accepted" type[0]=^4:CWE period.start=^8:dateTime ? 2!=D

= AIL:Appointment
1 -
2 - ? 2!=D
3 participant+ actor=@Location:PL status="accepted" period.start=^6:dateTime ? 2!=D

= AIP:Appointment
1 -
2 - ? 2!=D
3 participant+ actor=@Practitioner:XCN status="accepted" type[0]=^4:CWE period.start=^6:dateTime ? 2!=D

= NTE:description
1 -
2 -
3 description more

= NTE:comment
1 -
2 -
3 comment more

= TXA:DocumentReference
* subject ->Patient
* context.encounter+ ->Encounter
* context.related+ ->ServiceRequest
1 -
* status "entered-in-error" ? MSH-9.2=T11
19 status? code/DocumentStatus
* status? "current"
2 type CWE/0270
3 content[0].attachment.contentType code/ContentType
4 context.period.start dateTime
6 date instant
9 author+ @Practitioner:XCN
5 author+ @Practitioner:XCN ? !9
10 authenticator @Practitioner:XCN
12 masterIdentifier EI
13 relatesTo+ code="replaces" target.identifier=EI ? MSH-9.2=T09|T10
13 relatesTo+ code="appends" target.identifier=EI ? MSH-9.2!=T09|T10
16 identifier+ value=string
17 docStatus code/DocStatus
18 securityLabel+ CWE/0272
25 description string
22 authenticator? @Practitioner:XCN

= OBX:DocumentReference
1 -
2 -
3 content[0].attachment.title codeText
5 content[0].attachment documentText ? OBX-2=ST|TX|FT
5 content+ attachment=ED ? OBX-2=ED
5 content+ attachment=RP ? OBX-2=RP
11 -
14 content[0].attachment.creation dateTime
`;
