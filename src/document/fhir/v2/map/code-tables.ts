/**
 * Codes of HL7 v2 and what they are in FHIR, as the concept maps of HL7's v2-to-FHIR guide say; the
 * statuses that it leaves out are the nearest code that FHIR requires. `= NAME [SYSTEM]`, then
 * `v2=fhir[:display]`, blanks of a display as `_`.
 */
export const CODE_TABLES = `
= Gender
F=female M=male O=other U=unknown A=other N=other
= YesNo
Y=true N=false
= AddressType
M=postal SH=postal
= AddressUse
BA=old BI=billing C=temp B=work H=home O=work
= NameUse
BAD=old D=usual L=official M=maiden MSK=anonymous N=nickname NAV=temp R=official TEMP=temp
= TelecomSystem
PH=phone FX=fax MD=other CP=phone SAT=phone BP=pager Internet=email X.400=email TDD=other TTY=other
= TelecomUse
PRN=home ORN=home VHN=home WPN=work PRS=mobile
= AllergyCategory
DA=medication FA=food EA=environment AA=biologic PA=environment LA=environment
= AllergyType
DA=allergy FA=allergy MA=allergy EA=allergy AA=allergy PA=allergy LA=allergy
= AllergyCriticality
SV=high MI=low
= ReactionSeverity
SV=severe MO=moderate MI=mild
= ImmunizationStatus
CP=completed RE=not-done NA=not-done PA=completed
= EncounterOfEvent
A01=in-progress A02=in-progress A03=finished A04=in-progress A05=planned A11=cancelled A13=in-progress A14=planned A21=onleave A22=in-progress A23=entered-in-error A27=cancelled A38=cancelled A52=in-progress A53=onleave
= EncounterOfClass
E=in-progress I=in-progress O=in-progress P=planned R=in-progress B=in-progress C=in-progress N=in-progress U=unknown
= EncounterClass http://terminology.hl7.org/CodeSystem/v3-ActCode
E=EMER:emergency I=IMP:inpatient_encounter O=AMB:ambulatory P=PRENC:pre-admission
= RequestPriority
S=stat A=asap R=routine T=urgent
= AppointmentStatus
PENDING=pending WAITLIST=waitlist BOOKED=booked STARTED=checked-in COMPLETE=fulfilled CANCELLED=cancelled DISCONTINUED=cancelled DELETED=entered-in-error BLOCKED=pending OVERBOOK=booked NOSHOW=noshow
= AppointmentOfEvent
S12=booked S13=booked S14=booked S15=cancelled S16=cancelled S17=entered-in-error S26=noshow
= ObservationStatus
A=amended B=amended C=corrected D=entered-in-error F=final I=registered N=final O=registered P=preliminary R=preliminary S=preliminary V=final X=cancelled U=final W=entered-in-error
= ReportStatus
O=registered I=registered S=registered A=partial P=preliminary C=corrected R=partial F=final X=cancelled M=amended N=registered
= OrderOfReport
O=active I=active S=active A=active P=active R=active N=active M=active X=revoked
= OrderOfControl
CA=revoked CR=revoked DC=revoked DF=revoked DR=revoked UA=revoked FU=completed HD=on-hold HR=on-hold NW=active OC=revoked OD=revoked OH=on-hold RP=revoked RU=revoked OK=active PR=active PY=active RL=active RO=active RQ=active RE=completed CN=completed SC=active XO=active AF=active
= OrderStatus
CA=revoked CM=completed DC=revoked ER=entered-in-error HD=on-hold IP=active RP=revoked SC=active A=active
= MedicationOfControl
CA=cancelled CR=cancelled DC=stopped DF=cancelled DR=stopped UA=cancelled FU=completed HD=on-hold HR=on-hold NW=active OC=cancelled OD=stopped OH=on-hold RP=stopped RU=stopped OK=active PR=active PY=active RL=active RO=active RQ=active RE=completed XO=active AF=active
= MedicationStatus
CA=cancelled CM=completed DC=stopped ER=entered-in-error HD=on-hold IP=active RP=stopped SC=active A=active
= SpecimenStatus
Y=available N=unavailable
= DocumentStatus
AV=current CA=entered-in-error OB=superseded UN=current
= DocStatus
DI=preliminary DO=preliminary IN=preliminary IP=preliminary LA=final AU=final PA=preliminary
= ContentType
AP=application/octet-stream AU=audio/basic FT=text/plain IM=image/jpeg multipart=multipart/mixed SD=application/octet-stream SI=image/jpeg TEXT=text/plain TX=text/plain PDF=application/pdf
= ContentSubtype
BASIC=audio/basic FAX=image/tiff GIF=image/gif HTML=text/html JPEG=image/jpeg JPG=image/jpeg PDF=application/pdf PNG=image/png RTF=application/rtf SGML=text/sgml TIFF=image/tiff TIF=image/tiff XML=text/xml x-hl7-cda-level-one=text/xml
= MaritalStatus http://terminology.hl7.org/CodeSystem/v3-MaritalStatus
A=L:Legally_Separated D=D:Divorced M=M:Married S=S:Never_Married W=W:Widowed C=C:Common_Law P=T:Domestic_partner G=T:Domestic_partner R=T:Domestic_partner E=L:Legally_Separated N=A:Annulled I=I:Interlocutory B=U:unmarried
= Relationship http://terminology.hl7.org/CodeSystem/v3-RoleCode
SEL=ONESELF:self SPO=SPS:spouse DOM=SIGOTHR:significant_other CHD=CHILD:child GCH=GRNDCHILD:grandchild NCH=NCHILD:natural_child SCH=STPCHLD:step_child FCH=CHLDFOST:foster_child PAR=PRN:parent MTH=MTH:mother FTH=FTH:father GRP=GRPRN:grandparent EXF=EXT:extended_family_member SIB=SIB:sibling BRO=BRO:brother SIS=SIS:sister FND=FRND:unrelated_friend GRD=GUARD:guardian
= Interpretation http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation
<=< >=> A=A AA=AA B=B CAR=CAR D=D DET=DET E=E EX=EX EXP=EXP H=H HH=HH HU=HU I=I IE=IE IND=IND L=L LL=LL LU=LU MS=MS N=N NCL=NCL ND=ND NEG=NEG NR=NR NS=NS POS=POS R=R RR=RR S=S SDD=SDD SYN-R=SYN-R SYN-S=SYN-S U=U VS=VS UNE=UNE W=W WR=WR
= Route http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration
ID=IDINJ IM=IM IV=IVINJ SC=SQ TD=TRNSDERM PO=PO
= AllergyVerification http://terminology.hl7.org/CodeSystem/allergyintolerance-verification
U=unconfirmed P=unconfirmed S=unconfirmed D=unconfirmed C=confirmed I=confirmed E=entered-in-error
= DiagnosisUse http://terminology.hl7.org/CodeSystem/diagnosis-role
A=AD:Admission_diagnosis F=DD:Discharge_diagnosis
`;

/** Concepts that the tables of rows name: `NAME SYSTEM CODE [DISPLAY]`. */
export const CONCEPTS = `
ATND http://terminology.hl7.org/CodeSystem/v3-ParticipationType ATND attender
REF http://terminology.hl7.org/CodeSystem/v3-ParticipationType REF referrer
CON http://terminology.hl7.org/CodeSystem/v3-ParticipationType CON consultant
ADM http://terminology.hl7.org/CodeSystem/v3-ParticipationType ADM admitter
PART http://terminology.hl7.org/CodeSystem/v3-ParticipationType PART Participation
PPRF http://terminology.hl7.org/CodeSystem/v3-ParticipationType PPRF primary performer
SPRF http://terminology.hl7.org/CodeSystem/v3-ParticipationType SPRF secondary performer
PLAC http://terminology.hl7.org/CodeSystem/v2-0203 PLAC Placer Identifier
FILL http://terminology.hl7.org/CodeSystem/v2-0203 FILL Filler Identifier
PGN http://terminology.hl7.org/CodeSystem/v2-0203 PGN Placer Group Number
FGN http://terminology.hl7.org/CodeSystem/v2-0203 FGN Filler Group Number
VN http://terminology.hl7.org/CodeSystem/v2-0203 VN Visit number
SS http://terminology.hl7.org/CodeSystem/v2-0203 SS Social Security number
DL http://terminology.hl7.org/CodeSystem/v2-0203 DL Driver's license number
AN http://terminology.hl7.org/CodeSystem/v2-0203 AN Account number
GROUP http://terminology.hl7.org/CodeSystem/coverage-class group Group
MB http://terminology.hl7.org/CodeSystem/v2-0203 MB Member Number
AP http://terminology.hl7.org/CodeSystem/v2-0443 AP Administering Provider
OP http://terminology.hl7.org/CodeSystem/v2-0443 OP Ordering Provider
author http://terminology.hl7.org/CodeSystem/provenance-participant-type author Author
enterer http://terminology.hl7.org/CodeSystem/provenance-participant-type enterer Enterer
active-allergy http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical active Active
inactive-allergy http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical inactive Inactive
allergy-error http://terminology.hl7.org/CodeSystem/allergyintolerance-verification entered-in-error Entered in Error
entered-in-error http://terminology.hl7.org/CodeSystem/condition-ver-status entered-in-error Entered in Error
living-will http://loinc.org 75320-2 Advance directive
surgeon http://snomed.info/sct 304292004 Surgeon
anesthetist http://snomed.info/sct 88189002 Anesthesiologist
self http://terminology.hl7.org/CodeSystem/subscriber-relationship self Self
`;
