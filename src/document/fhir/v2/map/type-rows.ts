/**
 * Data types of HL7 v2 and the FHIR types they become, from the tables of HL7's v2-to-FHIR guide.
 * How a row is written: read-map.ts.
 */
export const TYPE_ROWS = `
= CX
1 value string
2 extension+ url=$identifier-checkDigit valueString=string ? 1
3 extension+ url=$namingsystem-checkDigit valueString=string ? 1
4 system authority ? 1
4 assigner assigner ? 1
5 type identifierType ? 1
7 period.start dateTime ? 1
8 period.end dateTime ? 1

= EI
1 value string
* system entitySystem ? 1

= EIP
1 . EI

= EIPfiller
2 . EI

= DLN
1 value string
1 type ~DL
2 system plainSystem
3 period.end date

= XPN
1.1 family string
1.2 extension+ url=$humanname-own-prefix valueString=string
1.3 extension+ url=$humanname-own-name valueString=string
1.4 extension+ url=$humanname-partner-prefix valueString=string
1.5 extension+ url=$humanname-partner-name valueString=string
2 given+ string
3 given+ string
4 suffix+ string
5 prefix+ string
6 suffix+ string
7 use code/NameUse
8 -
9 -
10.1 period.start dateTime
10.2 period.end dateTime
11 extension+ url=$humanname-assembly-order valueCode=code
12 period.start dateTime
13 period.end dateTime
14 suffix+ string

= XAD
1.1 line+ string
1.2 line+ string
1.3 line+ string
2 line+ string
3 city string
4 state string
5 postalCode string
6 country string
7 use code/AddressUse
7 type code/AddressType
7 extension+ url=$iso21090-AD-use valueCode=code ? 7=HV
7 extension+ url=$iso21090-AD-use valueCode="BAD" ? 7=BA
8 -
9 district string
10 extension+ url=$iso21090-ADXP-censusTract valueString=string
12.1 period.start dateTime
12.2 period.end dateTime
13 period.start dateTime
14 period.end dateTime
19 line+ string

= XCN
1 identifier[0].value string
9 identifier[0].system authority ? 1
9 identifier[0].assigner assigner ? 1
11 identifier[0].extension+ url=$identifier-checkDigit valueString=string ? 1
12 identifier[0].extension+ url=$namingsystem-checkDigit valueString=string ? 1
13 identifier[0].type identifierType ? 1
2.1 name[0].family string
2.2 name[0].extension+ url=$humanname-own-prefix valueString=string
2.3 name[0].extension+ url=$humanname-own-name valueString=string
3 name[0].given+ string
4 name[0].given+ string
5 name[0].suffix+ string
6 name[0].prefix+ string
7 qualification+ code=CWE/0360
8 -
10 name[0].use code/NameUse
17.1 name[0].period.start dateTime
17.2 name[0].period.end dateTime
19 name[0].period.start dateTime
20 name[0].period.end dateTime
21 name[0].suffix+ string

= CNN
1 identifier[0].value string
2 name[0].family string
3 name[0].given+ string
4 name[0].given+ string
5 name[0].suffix+ string
6 name[0].prefix+ string
7 qualification+ code=CWE/0360
9 identifier[0].system authority ? 1

= NDL
1 . CNN

= XON
1 name string
2 -
3 identifier[0].value string ? !10
10 identifier[0].value string
6 identifier[0].system authority ? has:identifier.value
6 identifier[0].assigner assigner ? has:identifier.value
7 identifier[0].type identifierType ? has:identifier.value
4 identifier[0].extension+ url=$identifier-checkDigit valueString=string ? has:identifier.value
5 identifier[0].extension+ url=$namingsystem-checkDigit valueString=string ? has:identifier.value

= ORCrole
12 practitioner @Practitioner:XCN
* organization @Organization:ORCorganization

= ORCorganization
21 . XON
22 address+ XAD
23 telecom+ XTN
* _name.extension+ url=$data-absent-reason valueCode="unknown" ? no:name no:identifier

= OBXorganization
23 . XON
24 address+ XAD
* _name.extension+ url=$data-absent-reason valueCode="unknown" ? no:name no:identifier

= race
* extension[0] url="ombCategory" valueCoding=coding ? 1=1002-5|2028-9|2054-5|2076-8|2106-3|2135-2|2186-5
* extension[0] url="detailed" valueCoding=coding ? 3 1!=1002-5|2028-9|2054-5|2076-8|2106-3|2135-2|2186-5
* extension[1] url="text" valueString=codeText

= HDorganization
1 identifier+ value=string
2 identifier+ value=universalId
3 -
1 name string

= HDdevice
1 identifier+ value=string
2 identifier+ value=universalId
3 -
1 deviceName+ name=string type="user-friendly-name"

= CWEorganization
1 identifier[0].value string
3 identifier[0].system system ? 1
2 name string
9 name string
4 -
5 -

= CXorganization
* identifier+ CX

= EIdevice
* identifier+ EI

= DR
1 start dateTime
2 end dateTime

= NR
1 low.value decimal
2 high.value decimal

= CQ
1 value decimal
2 . Units

= PT
1 tag+ system="http://terminology.hl7.org/CodeSystem/v2-0103" code=code
2 tag+ system="http://terminology.hl7.org/CodeSystem/v2-0207" code=code
`;
