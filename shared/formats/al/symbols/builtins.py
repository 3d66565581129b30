"""Names that the platform provides without symbols: methods, trigger events, areas, virtual tables.

Source: the vendor's public reference of the AL language (methods-auto, devenv-event-types,
devenv-page-object). A name missing here could cause a false alarm, so the lists are generous: methods of
every runtime are in them.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in text.split("|"))


METHODS = {
    "table": _words("""
        addlink addloadfields arefieldsloaded ascending calcfields calcsums changecompany clearmarks
        consistent copy copyfilter copyfilters copylinks count countapprox currentcompany currentkey
        delete deleteall deletelink deletelinks fieldactive fieldcaption fielderror fieldname fieldno
        filtergroup find findfirst findlast findset fullyqualifiedname get getascending getbysystemid
        getfilter getfilters getposition getrangemax getrangemin getview hasfilter haslinks init insert
        isempty istemporary loadfields locktable mark markedonly modify modifyall next readconsistency
        readisolation readpermission recordid recordlevellocking relation rename reset securityfiltering
        setascending setautocalcfields setbaseloadfields setcurrentkey setfilter setloadfields
        setpermissionfilter setposition setrange setrecfilter setview tablecaption tablename testfield
        transferfields truncate validate writepermission hasmodify islocked exists number
    """),
    "page": _words("""
        editable caption lookupmode objectid saverecord update getrecord setrecord settableview
        setselectionfilter activate close runmodal run enqueuebackgroundtask cancelbackgroundtask
        setbackgroundtaskresult getbackgroundparameters promptmode instructionaltext filters background
        language
    """),
    "report": _words("""
        run runmodal break breakonerror skip quit preview usequestpage userequestpage settableview
        saveasexcel saveaspdf saveasword saveasxml saveashtml saveas print printonlyifdetail language
        formatregion pageno newpage newpageperrecord createtotals totalscausedby showoutput isreadonly
        objectid runrequestpage execute defaultlayout rdlclayout wordlayout wordxmlpart excellayout
        targetformat validateandpreparelayout getsubstitutereportid papersource haserrors
        allowscheduling usesystemprinter
    """),
    "query": _words("""
        open read close setfilter setrange topnumberofrows getfilter getfilters columncaption columnname
        columnno saveascsv saveasexcel saveasjson saveasxml securityfiltering skipnumberofrows
        readisolation
    """),
    "xmlport": _words("""
        break breakunbound currentpath export import fieldseparator fielddelimiter filename importfile
        quit recordseparator run setdestination setsource settableview skip tableseparator textencoding
        userequestpage autosave autoupdate autoreplace
    """),
    "codeunit": _words("run"),
    "enum": _words("asinteger frominteger names ordinals"),
    "interface": _words(""),
}

# Words of the language before a dot, which mean no variable there: `Codeunit.Run(...)`.
STATIC_WORDS = _words("""
    codeunit page report xmlport query database session system currreport currquery currxmlport navapp taskscheduler
    isolatedstorage companyproperty file debugger productname numbersequence math sessioninformation
""")

# Functions of the platform that need no object before them; code that names one may mean it.
SYSTEM_FUNCTIONS = _words("""
    abs applicationpath arraylen beep calcdate canloadtype captionclasstranslate clear clearall
    clearcollectederrors clearlasterror closingdate codecoverageinclude codecoveragelog codecoverageload
    codecoveragerefresh commit companyname compressarray confirm convertstr copy copyarray copystr
    copystream createdatetime createencryptionkey createguid currentclienttype currentdatetime
    currentexecutionmode currfieldno date2dmy date2dwy decrypt delchr delstr deleteencryptionkey dmy2date
    download downloadfromstream dt2date dt2time dwy2date encrypt encryptionenabled encryptionkeyexists erase
    error evaluate exists exit exportencryptionkey exportobjects format getcollectederrors
    getdefaulttableconnection getdocumenturl getdotnettype getlasterrorcallstack getlasterrorcode
    getlasterrorobject getlasterrortext geturl globallanguage guiallowed hascollectederrors
    hastableconnection hyperlink importencryptionkey importobjects importstreamwithurlaccess incstr insstr
    iscollectingerrors isnull isnullguid isservicetier issessionactive logmessage lowercase maxstrlen message
    normaldate padstr power random randomize registertableconnection rename round rounddatetime selectstr
    serialnumber serviceinstanceid sessionid setdefaulttableconnection sid sleep startsession stopsession
    strchecksum strlen strmenu strpos strsubstno temporarypath tenantid time today
    unregistertableconnection upload uploadintostream uppercase userid usersecurityid variant2date
    variant2time windowslanguage workdate
""")

# Methods of TestPage, TestPart and TestRequestPage.
TEST_METHODS = _words("""
    activate cancel caption close edit editable enabled expand filter findfirstfield findnextfield
    findpreviousfield first getfield getvalidationerror gotokey gotorecord isexpanded last new next no ok
    openedit opennew openview prev previous runpagebackgroundtask trap validationerrorcount view visible yes
    preview print saveasexcel saveaspdf saveasword saveasxml schedule
""")

# Record methods whose arguments are names of the record's own fields: the first one, or all of them.
FIELD_FIRST = _words("""
    setrange setfilter validate testfield fieldno fieldcaption fieldname fielderror fieldactive modifyall
    getfilter getrangemin getrangemax relation setascending getascending copyfilter
""")
# Query methods whose first argument is a column of the query.
COLUMN_FIRST = _words("setfilter setrange getfilter columncaption columnname columnno")
FIELD_ALL = _words("""
    calcfields calcsums setcurrentkey setloadfields addloadfields loadfields arefieldsloaded
    setautocalcfields setbaseloadfields
""")

SYSTEM_FIELDS = _words("""
    systemid systemcreatedat systemcreatedby systemmodifiedat systemmodifiedby systemrowversion timestamp
    sqltimestamp
""")

# Parameters of trigger events (devenv-event-types); any subset of them in any order is valid.
TABLE_TRIGGER_EVENTS = {
    f"on{when}{what}event": frozenset(("rec", "xrec", "runtrigger"))
    for when in ("before", "after")
    for what in ("insert", "modify", "delete", "rename")
} | {f"on{when}validateevent": frozenset(("rec", "xrec", "currfieldno")) for when in ("before", "after")}

PAGE_TRIGGER_EVENTS = _words("""
    onopenpageevent onclosepageevent onqueryclosepageevent onaftergetrecordevent onaftergetcurrrecordevent
    onnewrecordevent oninsertrecordevent onmodifyrecordevent ondeleterecordevent onbeforeactionevent
    onafteractionevent onbeforevalidateevent onaftervalidateevent onafterlookupevent
""")

AREAS = _words("""
    content factboxes processing creation navigation reporting promoted sections embedding prompting
    systemactions rolecenter promptguide promptoptions prompt request homeitems activitybuttons
    actioncontainer infopart container reports
""")

# Virtual and system tables and other objects of the server's own `System` app; their ids begin at
# 2,000,000,000.
# They are presumed to stay where the target set does not bring `System` along.
PLATFORM_OBJECTS = _names("""
    Access Control|Active Session|Add-in|API Webhook Notification Aggr|API Webhook Notification|
    API Webhook Subscription|Chart|Company|Configuration Package File|Data Sensitivity|
    Debugger Breakpoint|Debugger Watch|Device|Document Service|Entitlement Set|Entitlement|
    Intelligent Cloud Status|Intelligent Cloud|Isolated Storage|License Permission|Media Resources|
    Media Set|Media|Membership Entitlement|NAV App Capabilities|NAV App Data Archive|
    NAV App Dependencies|NAV App Installed App|NAV App Object Metadata|NAV App Object Prerequisites|
    NAV App Publish Reference|NAV App Published App|NAV App Resource|NAV App Setting|
    NAV App Tenant Add-In|NAV App Tenant App|NAV App Tenant Operation|NAV App|Object Metadata|
    Object Options|Object Tracking|Object|OData Edm Type|Page Data Personalization|Page Documentation|
    Permission Set|Permission|Power BI Blob|Power BI Default Selection|Profile Metadata|
    Profile Page Metadata|Profile|Record Link|Report Layout|Scheduled Task|Send-To Program|
    Server Instance|Session Event|Style Sheet|Tenant License State|Tenant Media Set|
    Tenant Media Thumbnails|Tenant Media|Tenant Permission Set|Tenant Permission|
    Tenant Profile Page Metadata|Tenant Profile|Tenant Web Service|Token Cache|Upgrade Blob Storage|
    User Default Style Sheet|User Metadata|User Page Metadata|User Personalization|User Property|User|
    Web Service|Webhook Notification|Webhook Subscription|Aggregate Permission Set|All Control Fields|
    All Profile|AllObj|AllObjWithCaption|Api Web Service|API Webhook Entity|Automation Server|
    Code Coverage|CodeUnit Metadata|Database Locks|Database|Date|Debugger Call Stack|Debugger Variable|
    Debugger Watch Value|Drive|Event Subscription|Field|File|Integer|Key|License Information|Monitor|
    NAV App Extra|New Page Pattern|OLE Control|Page Action|Page Control Field|Page Metadata|
    Page Table Field|Page Info And Fields|Permission Range|Printer|Query Metadata|Report Data Items|
    Report Metadata|Server|Session|SID - Account ID|System Object|Table Field Types|Table Information|
    Table Metadata|Table Relations Metadata|Table Synch. Setup|Time Zone|Windows Language|
    Company Triggers|Debugger Triggers|Extension Triggers|Filter Helper Triggers|Global Triggers|
    Reporting Triggers|System Action Triggers|UI Helper Triggers|Upgrade Triggers|Version Triggers|
    Tenant Feature Key|Feature Key|Metadata Permission Set|Metadata Permission|Expanded Permission|
    Tenant Permission Set Rel.|Permission Set Relation|Page Usage State|Report Layout List|
    Tenant Report Layout|Tenant Report Layout Selection|Report Layout Definition|
    Report Settings Override|Designed Query|Designed Query Management|Query Navigation|
    Database Wait Statistics|Database Missing Indexes|Database Index|Database Snapshot|Retention Policy|
    Published Application|Installed Application|Application Dependency|Application Resource|
    Application Object Metadata|Inplace Installed Application|Extension Pending Setup|
    NAV App Uninstalled App|Application User Settings|Upgrade Tag Backup|Upgrade Tags|
    Power BI Report Uploads|Performance Profile Scheduler|Performance Profiles|
    Scheduled Performance Profiling|User Environment Login|User License Details|
    Custom Permission Set In Plan|Permission Conflicts|External Event Subscription|
    External Event Notification|External Event Activity Log|External Event Log Entry|
    Ext. Business Event Definition|Business Event Subscription|Sent Email Definition|Media Image|
    Inherent Permissions|Data Search Setup|Checklist Configuration|Signup Values|Spotlight Tour Text|
    Onboarding Signal|Connection String|Copilot Capability|Copilot Status|Copilot Availability|Agent|
    Agent Task|Agent Task Message|Agent Task Log Entry|Agent Metadata Provider|Sandbox Cleanup|
    Table Field Metadata|Language Translation|Object Access Intent Override|Move Object|Privacy Notice|
    Indexed Record Set|All Objects in the System|Tenant Code Coverage|Agent Access Control|
    Agent Creation Control|Agent Task File|Agent Task Message Attachment|Agent Task Pane Entry|
    Agent Task Step|Agent Task Timeline|Agent Task Timeline Entry|Agent Task User Input Request|
    Agent Task Memory Entry|Agent Log|All Profile Page Metadata|Designer Diagnostic|Extension Execution Info|
    Profile Configuration Symbols|Profile Designer Diagnostic|Profile Import|Profile Page Diagnostic|
    Page Style|Table Key Metadata|Token|Translation Text|Current Session|Tenant Information|
    Application Environment|Database Role|Data Archive Media Field|Power Platform Environment
""")
FIRST_PLATFORM_ID = 2_000_000_000
