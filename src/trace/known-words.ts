const words = (...lines: readonly string[]): readonly string[] => lines.join(' ').split(' ');

/** English and German words that receivers write with a capital letter and that are not names; in lower case. */
export const KNOWN_WORDS: ReadonlySet<string> = new Set([
  ...words(
    'a about above access according accept accepted account ack acknowledge acknowledgement action active add',
    'added address admission admit admitted after again against all allergy allowed already also ambiguous an and',
    'any appears application appointment archive are argument array as at attempt attribute authentication',
    'authorization available bad base batch be because bed been before begin being below between birth blank body',
    'both broken bundle busy but by call called can cancel cancelled cannot case category certificate change changed',
    'channel character check class clinic closed code column command commit complete completed component condition',
    'configuration conflict connect connected connection constraint contact contain contained contains content',
    'control correct could count create created critical current data database date day deadlock death default',
    'delete deleted denied department device diagnosis did different directory disabled discharge disk do document',
    'does domain done duplicate during each element empty enabled encounter encoding end ended enter entity entry',
    'error event exceeded exception exceeds exist existing exists expected expired extension external facility',
    'failed failure fatal fault feature field file files filled first folder following for forbidden foreign format',
    'found free from full function gateway general get given group had has have header help host hospital id',
    'identifier identity if ignored illegal implemented in inactive incoming incomplete incorrect index information',
    'input insert inserted insufficient insurance integer integrity interface internal into invalid is issue it item',
    'its job json kept key kind known last later length less level limit line list load local location lock locked log',
    'logged login lookup made mail mailbox maintenance malformed many mapping mark master match matched matching',
    'maximum may medication memory merge message messages method minimum mismatch missing mode more most moved must',
    'name names need needed network new next no none not note nothing null number numeric object observation occurred',
    'of off old on once one only open operation option or order organization original other our out outcome outpatient',
    'overflow own page parameter parse parser parsing part partner password patient patients pending permission',
    'permitted person pharmacy phone physical place placer please point port possible practitioner present previous',
    'primary print printer procedure process processed processing profile property protocol provide provided provider',
    'proxy query queue quota range reach reached read readable ready reason receive received receiver receiving record',
    'records recipient refer reference referenced refused register registered reject rejected relation relay release',
    'remote remove repeat repeated repeating report request requested require required reserved resource response',
    'restricted result results retry returned role room routing row rows rule running save schema search second section',
    'secure security see segment segments send sender sending sent sequence serious server service session set severe',
    'severity shall should size smtp some source space specified specimen standard start started state statement station',
    'status step still stop stopped storage store stored string structure study subject support supported syntax system',
    'table target temporarily temporary test than that the their then there these they this those time timed timeout',
    'timestamp to today token too transaction transfer transform transport trigger true try type unable unauthorized',
    'under unexpected unexpectedly unique unit unknown unprocessable unrecognized unreachable unsupported until update',
    'updated url use used user using valid validated validation value values vendor version via view violated violates',
    'violation virus visit visitor wait waiting ward warning was we were what when where which while who with within',
    'without working would write written wrong xml year you your zero false internal error ok yes',
    'alert antivirus backend buffer cache cluster collation cursor daemon decimal driver engine exists expression',
    'handler heap instance io job kernel lease listener loop module node null overflow packet parameter payload pipe',
    'plugin policy pool postmaster privilege quota referential replica rollback runtime socket stack stream tenant',
    'thread throttled transient unavailable unhandled uid upstream workflow worker zone',
    'january february march april june july august september october november december',
    'monday tuesday wednesday thursday friday saturday sunday utc gmt cet cest',
  ),
  ...words(
    'aber abgebrochen abgelaufen abgelehnt abteilung aktuell alle allgemeiner als am an angaben anfrage angegeben angelegt',
    'angemeldet anmeldung antwort anwendung auch auf aufgetreten aufnahme auftrag aus ausgelastet ausnahme bei bereits',
    'berechtigung bereich bestehende bett bezeichnung bitte bis code da das datei daten datenbank datensatz datentyp datum',
    'dem den der des die dienst diese diesem diesen dieser dieses doppelt doppelter durch ein eine einem einen einer eines',
    'eingabe eintrag element empfang entlassung enthält entspricht ereignis erforderlich erlaubt erneut erreichbar erwartet',
    'es existiert fall falsch falscher fehlende fehlender fehler fehlerhaft fehlgeschlagen fehlt feld feldes felder format für',
    'geburtsdatum gefunden gelesen gelöscht gemeldet gesendet gesperrt gibt gültig gültiger hat ich ihr im in inhalt interner',
    'ist ja kann kein keine keinem keinen keiner klinik konnte konnten kosten länge leer leitung liegt liste löschen maximal',
    'mehr mit muss müssen nach nachricht nachrichten name nein neu nicht nichts noch nummer nur ob oder ohne ordner ort parameter',
    'partner passt passwort patienten pflichtfeld platz position prüfung quelle raum reservierte schema schlüssel schnittstelle',
    'schon schreibgeschützt schreibschutz segment segmente sein seit sich sie sind soll speicher speicherplatz sperre stammdaten',
    'station statt steht struktur suche system tabelle tabellen teil text timeout transaktion typ über überschritten um unbekannt',
    'unbekannte unbekannter unbekanntes und ungültig ungültige ungültiger ungültiges unter unterstützt unvollständig validierung',
    'verarbeitet verarbeitung verbindung verboten verfügbar verletzt verlegung verletzung versuch version verweigert voll von',
    'vorgang vorhanden wegen wer werden wert werte werden wird wurde wurden zeichen zeile zeit zeitpunkt zeitüberschreitung ziel',
    'zu zugang zugelassen zugriff zugriffsrechte zulässig zum zur zuordnung zuständig zweimal',
  ),
  // HL7, FHIR, databases, programs: written in capitals, saying where
  ...words(
    'ack adt bar bts cda dft dicom dsc ehr emr err evn evt fhs fhir fts hapi hie his hl7 http https iam icd imap ids in jdbc json',
    'ldap lis loinc lis maria mariadb mdm mfe mfi mfn mllp mrg msa msh mssql mysql nak nk nte nul obr obx odbc odt oml omg omp',
    'oracle orc orm oru osd pacs pdf pid pix pdq postgres postgresql pvi qak qpd qry ris rde rds ref rol rsp rxa rxe rxo sap sch',
    'sft sftp ftp siu snomed soap spm sql sqlstate srm ssl sut tcp tls txa uri utf uuid vxu windows xds xsd xslt zds api aig ail',
    'aip ais db1 dg1 gt1 in1 in2 pr1 pv1 pv2 tq1 epic cerner orbis medico rhapsody mirth iris ensemble cloverleaf java net linux',
    'mrn ssn nhs nullpointer python php ruby spring hibernate tomcat iis apache nginx exchange outlook postfix sendmail',
  ),
]);

/** A name follows one of these; in lower case. */
export const BEFORE_A_NAME: ReadonlySet<string> = new Set(
  words(
    'patient patients patientin patienten name names named surname forename firstname lastname vorname nachname familienname',
    'mr mrs ms dr prof herr frau hr fr mother father guardian mutter vater subject person for of für von born geb geboren',
  ),
);

/** Words only found in German sentences, in which every noun has a capital letter. */
export const GERMAN =
  /\b(?:der|die|das|den|dem|des|ein|eine|kein|keine|nicht|ist|sind|und|oder|für|wurde|wird|konnte|kann|mit|zu|im|bereits|fehlt|ungültig|unbekannt|gefunden)\b/i;
