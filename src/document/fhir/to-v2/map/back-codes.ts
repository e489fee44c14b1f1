/**
 * Codes of FHIR for which the tables of `v2/map/code-tables.ts`, read backwards, have nothing or the
 * wrong one of several: `fhir=v2`; nothing after `=` says that v2 has no such code.
 */
export const BACK_CODES = `
= NameUse
temp=TEMP old=
= AllergyType
allergy=MA intolerance=MC
= ObservationStatus
amended=C cancelled=X
= ReportStatus
amended=C appended=C entered-in-error=X
= OrderStatus
revoked=CA completed=CM active=IP
= TelecomSystem
other= url= sms=CP
= EncounterClass
ACUTE=I NONAC=I SS=O OBSENC=O VR=O HH=O FLD=E UNK=U
= MaritalStatus
T=P UNK=U
= Relationship
WIFE=SPO HUSB=SPO DAU=CHD SON=CHD NATMTH=MTH NATFTH=FTH MOTHER=MTH FAMMEMB=EXF ONESELF=SEL
= DiagnosisUse
AD=A DD=F CC=W CM=W pre-op=W post-op=W billing=W
= ContentType
application/octet-stream=AP
`;
