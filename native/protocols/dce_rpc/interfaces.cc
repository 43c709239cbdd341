// Interfaces and their operations, by UUID. Names of interfaces are those of Zeek; names of operations those of the
// specification (MS-SCMR, MS-TSCH, MS-SAMR, MS-LSAD, MS-NRPC, MS-DRSR, MS-SRVS, MS-WKST, MS-RRP, MS-RPRN, MS-PAR,
// MS-EFSR, MS-DCOM, MS-WMI, MS-BKRP, MS-FSRVP, MS-DNSP, MS-EVEN, C706 Appendix O and Q) without their prefix of one
// letter, as in Zeek.
#include "protocols/dce_rpc/interfaces.h"

#include <algorithm>
#include <array>

namespace catenary::dce_rpc {
namespace {

constexpr std::array<Interface, 85> kInterfaces = {{
    {"00000143-0000-0000-c000-000000000046", "IRemUnknown2",
     "QueryInterface AddRef Release RemQueryInterface RemAddRef RemRelease RemQueryInterface2", 0},
    {"000001a0-0000-0000-c000-000000000046", "IRemoteSCMActivator",
     "QueryInterfaceIRemoteSCMActivator AddRefIRemoteISCMActivator ReleaseIRemoteISCMActivator "
     "RemoteGetClassObject RemoteCreateInstance",
     0},
    {"00020400-0000-0000-c000-000000000046", "IDispatch", "GetTypeInfoCount GetTypeInfo GetIDsOfNames Invoke", 3},
    {"00020401-0000-0000-c000-000000000046", "ITypeInfo",
     "GetTypeAttr GetTypeComp GetFuncDesc GetVarDesc GetNames GetRefTypeOfImplType GetImplTypeFlags", 3},
    {"027947e1-d731-11ce-a357-000000000001", "IEnumWbemClassObject interface", "Reset Next NextAsync Clone Skip", 3},
    {"0a74ef1c-41a4-4e06-83ae-dc74fb1cdd53", "idletask",
     "ItSrvRegisterIdleTask ItSrvUnregisterIdleTask ItSrvProcessIdleTasks ItSrvSetDetectionParameters", 0},
    {"0b6edbfa-4a24-4fc6-8a23-942b1eca65d1", "IRPCAsyncNotify", "", 0},
    {"0d72a7d4-6148-11d1-b4aa-00c04fb66ea0", "ICertProtect", "", 0},
    {"12345678-1234-abcd-ef00-0123456789ab", "spoolss",
     "RpcEnumPrinters RpcOpenPrinter RpcSetJob RpcGetJob RpcEnumJobs RpcAddPrinter RpcDeletePrinter "
     "RpcSetPrinter RpcGetPrinter RpcAddPrinterDriver RpcEnumPrinterDrivers RpcGetPrinterDriver "
     "RpcGetPrinterDriverDirectory RpcDeletePrinterDriver RpcAddPrintProcessor RpcEnumPrintProcessors "
     "RpcGetPrintProcessorDirectory RpcStartDocPrinter RpcStartPagePrinter RpcWritePrinter "
     "RpcEndPagePrinter RpcAbortPrinter RpcReadPrinter RpcEndDocPrinter RpcAddJob RpcScheduleJob "
     "RpcGetPrinterData RpcSetPrinterData RpcWaitForPrinterChange RpcClosePrinter RpcAddForm RpcDeleteForm "
     "RpcGetForm RpcSetForm RpcEnumForms RpcEnumPorts RpcEnumMonitors RpcAddPort RpcConfigurePort "
     "RpcDeletePort RpcCreatePrinterIC RpcPlayGdiScriptOnPrinterIC RpcDeletePrinterIC "
     "RpcAddPrinterConnection RpcDeletePrinterConnection RpcPrinterMessageBox RpcAddMonitor "
     "RpcDeleteMonitor RpcDeletePrintProcessor RpcAddPrintProvidor RpcDeletePrintProvidor "
     "RpcEnumPrintProcessorDatatypes RpcResetPrinter RpcGetPrinterDriver2 "
     "RpcClientFindFirstPrinterChangeNotification RpcFindNextPrinterChangeNotification "
     "RpcFindClosePrinterChangeNotification RpcRouterFindFirstPrinterChangeNotificationOld "
     "RpcReplyOpenPrinter RpcRouterReplyPrinter RpcReplyClosePrinter RpcAddPortEx "
     "RpcRemoteFindFirstPrinterChangeNotification RpcSpoolerInit RpcResetPrinterEx "
     "RpcRemoteFindFirstPrinterChangeNotificationEx RpcRouterReplyPrinterEx "
     "RpcRouterRefreshPrinterChangeNotification RpcSetAllocFailCount RpcSplOpenPrinter RpcAddPrinterEx "
     "RpcSetPort RpcEnumPrinterData RpcDeletePrinterData RpcClusterSplOpen RpcClusterSplClose "
     "RpcClusterSplIsAlive RpcSetPrinterDataEx RpcGetPrinterDataEx RpcEnumPrinterDataEx RpcEnumPrinterKey "
     "RpcDeletePrinterDataEx RpcDeletePrinterKey RpcSeekPrinter RpcDeletePrinterDriverEx "
     "RpcAddPerMachineConnection RpcDeletePerMachineConnection RpcEnumPerMachineConnections RpcXcvData "
     "RpcAddPrinterDriverEx RpcSplOpenPrinter RpcGetSpoolFileInfo RpcCommitSpoolData "
     "RpcCloseSpoolFileHandle RpcFlushPrinter RpcSendRecvBidiData RpcAddDriverCatalog "
     "RpcAddPrinterConnection2 RpcDeletePrinterConnection2 RpcInstallPrinterDriverFromPackage "
     "RpcUploadPrinterDriverPackage RpcGetCorePrinterDrivers RpcCorePrinterDriverInstalled "
     "RpcGetPrinterDriverPackagePath RpcReportJobProcessingProgress",
     0},
    {"12345678-1234-abcd-ef00-01234567cffb", "netlogon",
     "NetrLogonUasLogon NetrLogonUasLogoff NetrLogonSamLogon NetrLogonSamLogoff NetrServerReqChallenge "
     "NetrServerAuthenticate NetrServerPasswordSet NetrDatabaseDeltas NetrDatabaseSync NetrAccountDeltas "
     "NetrAccountSync NetrGetDCName NetrLogonControl NetrGetAnyDCName NetrLogonControl2 "
     "NetrServerAuthenticate2 NetrDatabaseSync2 NetrDatabaseRedo NetrLogonControl2Ex "
     "NetrEnumerateTrustedDomains DsrGetDcName NetrLogonGetCapabilities NetrLogonSetServiceBits "
     "NetrLogonGetTrustRid NetrLogonComputeServerDigest NetrLogonComputeClientDigest "
     "NetrServerAuthenticate3 DsrGetDcNameEx DsrGetSiteName NetrLogonGetDomainInfo NetrServerPasswordSet2 "
     "NetrServerPasswordGet NetrLogonSendToSam DsrAddressToSiteNamesW DsrGetDcNameEx2 "
     "NetrLogonGetTimeServiceParentDomain NetrEnumerateTrustedDomainsEx DsrAddressToSiteNamesExW "
     "DsrGetDcSiteCoverageW NetrLogonSamLogonEx DsrEnumerateDomainTrusts DsrDeregisterDnsHostRecords "
     "NetrServerTrustPasswordsGet DsrGetForestTrustInformation NetrGetForestTrustInformation "
     "NetrLogonSamLogonWithFlags NetrServerGetTrustInfo unused DsrUpdateReadOnlyServerDnsRecords "
     "NetrChainSetClientAttributes",
     0},
    {"12345778-1234-abcd-ef00-0123456789ab", "lsarpc",
     "LsarClose LsarDelete LsarEnumeratePrivileges LsarQuerySecurityObject LsarSetSecurityObject "
     "LsarChangePassword LsarOpenPolicy LsarQueryInformationPolicy LsarSetInformationPolicy "
     "LsarClearAuditLog LsarCreateAccount LsarEnumerateAccounts LsarCreateTrustedDomain "
     "LsarEnumerateTrustedDomains LsarLookupNames LsarLookupSids LsarCreateSecret LsarOpenAccount "
     "LsarEnumeratePrivilegesAccount LsarAddPrivilegesToAccount LsarRemovePrivilegesFromAccount "
     "LsarGetQuotasForAccount LsarSetQuotasForAccount LsarGetSystemAccessAccount "
     "LsarSetSystemAccessAccount LsarOpenTrustedDomain LsarQueryInfoTrustedDomain "
     "LsarSetInformationTrustedDomain LsarOpenSecret LsarSetSecret LsarQuerySecret "
     "LsarLookupPrivilegeValue LsarLookupPrivilegeName LsarLookupPrivilegeDisplayName LsarDeleteObject "
     "LsarEnumerateAccountsWithUserRight LsarEnumerateAccountRights LsarAddAccountRights "
     "LsarRemoveAccountRights LsarQueryTrustedDomainInfo LsarSetTrustedDomainInfo LsarDeleteTrustedDomain "
     "LsarStorePrivateData LsarRetrievePrivateData LsarOpenPolicy2 LsarGetUserName "
     "LsarQueryInformationPolicy2 LsarSetInformationPolicy2 LsarQueryTrustedDomainInfoByName "
     "LsarSetTrustedDomainInfoByName LsarEnumerateTrustedDomainsEx LsarCreateTrustedDomainEx "
     "LsarCloseTrustedDomainEx LsarQueryDomainInformationPolicy LsarSetDomainInformationPolicy "
     "LsarOpenTrustedDomainByName LsarTestCall LsarLookupSids2 LsarLookupNames2 LsarCreateTrustedDomainEx2 "
     "CredrWrite CredrRead CredrEnumerate CredrWriteDomainCredentials CredrReadDomainCredentials "
     "CredrDelete CredrGetTargetInfo CredrProfileLoaded LsarLookupNames3 CredrGetSessionTypes "
     "LsarRegisterAuditEvent LsarGenAuditEvent LsarUnregisterAuditEvent LsarQueryForestTrustInformation "
     "LsarSetForestTrustInformation CredrRename LsarLookupSids3 LsarLookupNames4 LsarOpenPolicySce",
     0},
    {"12345778-1234-abcd-ef00-0123456789ac", "samr",
     "SamrConnect SamrCloseHandle SamrSetSecurityObject SamrQuerySecurityObject SamrShutdownSamServer "
     "SamrLookupDomainInSamServer SamrEnumerateDomainsInSamServer SamrOpenDomain "
     "SamrQueryInformationDomain SamrSetInformationDomain SamrCreateGroupInDomain "
     "SamrEnumerateGroupsInDomain SamrCreateUserInDomain SamrEnumerateUsersInDomain "
     "SamrCreateAliasInDomain SamrEnumerateAliasesInDomain SamrGetAliasMembership SamrLookupNamesInDomain "
     "SamrLookupIdsInDomain SamrOpenGroup SamrQueryInformationGroup SamrSetInformationGroup "
     "SamrAddMemberToGroup SamrDeleteGroup SamrRemoveMemberFromGroup SamrGetMembersInGroup "
     "SamrSetMemberAttributesOfGroup SamrOpenAlias SamrQueryInformationAlias SamrSetInformationAlias "
     "SamrDeleteAlias SamrAddMemberToAlias SamrRemoveMemberFromAlias SamrGetMembersInAlias SamrOpenUser "
     "SamrDeleteUser SamrQueryInformationUser SamrSetInformationUser SamrChangePasswordUser "
     "SamrGetGroupsForUser SamrQueryDisplayInformation SamrGetDisplayEnumerationIndex "
     "SamrTestPrivateFunctionsDomain SamrTestPrivateFunctionsUser SamrGetUserDomainPasswordInformation "
     "SamrRemoveMemberFromForeignDomain SamrQueryInformationDomain2 SamrQueryInformationUser2 "
     "SamrQueryDisplayInformation2 SamrGetDisplayEnumerationIndex2 SamrCreateUser2InDomain "
     "SamrQueryDisplayInformation3 SamrAddMultipleMembersToAlias SamrRemoveMultipleMembersFromAlias "
     "SamrOemChangePasswordUser2 SamrUnicodeChangePasswordUser2 SamrGetDomainPasswordInformation "
     "SamrConnect2 SamrSetInformationUser2 SamrSetBootKeyInformation SamrGetBootKeyInformation "
     "SamrConnect3 SamrConnect4 SamrUnicodeChangePasswordUser3 SamrConnect5 SamrRidToSid "
     "SamrSetDSRMPassword SamrValidatePassword SamrQueryLocalizableAccountsInDomain "
     "SamrPerformGenericOperation",
     0},
    {"12b81e99-f207-4a4c-85d3-77b42f76fd14", "ISeclogon", "", 0},
    {"1544f5e0-613c-11d1-93df-00c04fd7bd09", "exchange_rfr", "", 0},
    {"17fdd703-1827-4e34-79d4-24a55c53bb37", "msgsvc", "", 0},
    {"1c1c45ee-4395-11d2-b60b-00104b703efd", "IWbemFetchSmartEnum interface", "", 0},
    {"1ff70682-0a51-30e8-076d-740be8cee98b", "atsvc", "NetrJobAdd NetrJobDel NetrJobEnum NetrJobGetInfo", 0},
    {"2c9273e0-1dc3-11d3-b364-00105a1f8177", "IWbemRefreshingServices interface", "", 0},
    {"2f59a331-bf7d-48cb-9ec5-7c090d76e8b8", "lcrpc", "", 0},
    {"2f5f3220-c126-1076-b549-074d078619da", "nddeapi", "", 0},
    {"338cd001-2244-31f1-aaaa-900038001003", "winreg",
     "OpenClassesRoot OpenCurrentUser OpenLocalMachine OpenPerformanceData OpenUsers BaseRegCloseKey "
     "BaseRegCreateKey BaseRegDeleteKey BaseRegDeleteValue BaseRegEnumKey BaseRegEnumValue BaseRegFlushKey "
     "BaseRegGetKeySecurity BaseRegLoadKey BaseRegNotifyChangeKeyValue BaseRegOpenKey BaseRegQueryInfoKey "
     "BaseRegQueryValue BaseRegReplaceKey BaseRegRestoreKey BaseRegSaveKey BaseRegSetKeySecurity "
     "BaseRegSetValue BaseRegUnLoadKey BaseInitiateSystemShutdown BaseAbortSystemShutdown "
     "BaseRegGetVersion OpenCurrentConfig OpenDynData BaseRegQueryMultipleValues "
     "BaseInitiateSystemShutdownEx BaseRegSaveKeyEx OpenPerformanceText OpenPerformanceNlsText "
     "BaseRegQueryMultipleValues2 BaseRegDeleteKeyEx",
     0},
    {"342cfd40-3c6c-11ce-a893-08002b2e9c6d", "llsrpc", "", 0},
    {"367abb81-9844-35f1-ad32-98f038001003", "svcctl",
     "CloseServiceHandle ControlService DeleteService LockServiceDatabase QueryServiceObjectSecurity "
     "SetServiceObjectSecurity QueryServiceStatus SetServiceStatus UnlockServiceDatabase "
     "NotifyBootConfigStatus ScSetServiceBitsW ChangeServiceConfigW CreateServiceW EnumDependentServicesW "
     "EnumServicesStatusW OpenSCManagerW OpenServiceW QueryServiceConfigW QueryServiceLockStatusW "
     "StartServiceW GetServiceDisplayNameW GetServiceKeyNameW ScSetServiceBitsA ChangeServiceConfigA "
     "CreateServiceA EnumDependentServicesA EnumServicesStatusA OpenSCManagerA OpenServiceA "
     "QueryServiceConfigA QueryServiceLockStatusA StartServiceA GetServiceDisplayNameA GetServiceKeyNameA "
     "ScGetCurrentGroupStateW EnumServiceGroupW ChangeServiceConfig2A ChangeServiceConfig2W "
     "QueryServiceConfig2A QueryServiceConfig2W QueryServiceStatusEx EnumServicesStatusExA "
     "EnumServicesStatusExW ScSendTSMessage CreateServiceWOW64A CreateServiceWOW64W ScQueryServiceTagInfo "
     "NotifyServiceStatusChange GetNotifyResult CloseNotifyHandle ControlServiceExA ControlServiceExW "
     "ScSendPnPMessage ScValidatePnPService ScOpenServiceStatusHandle - QueryServiceConfigEx - - - "
     "CreateWowService - - - OpenSCManager2",
     0},
    {"378e52b0-c0a9-11cf-822d-00aa0051e40f", "sasec",
     "SASetAccountInformation SASetNSAccountInformation SAGetNSAccountInformation SAGetAccountInformation", 0},
    {"3919286a-b10c-11d0-9ba8-00c04fd92ef5", "dssetup",
     "DsRolerGetPrimaryDomainInformation DsRolerDnsNameToFlatName DsRolerDcAsDc DsRolerDcAsReplica "
     "DsRolerDemoteDc DsRolerGetDcOperationProgress DsRolerGetDcOperationResults DsRolerCancel "
     "DsRolerServerSaveStateForUpgrade DsRolerUpgradeDownlevelServer DsRolerAbortDownlevelServerUpgrade",
     0},
    {"3c4728c5-f0ab-448b-bda1-6ce01eb0a6d5", "RpcSrvDHCPC", "", 0},
    {"3c4728c5-f0ab-448b-bda1-6ce01eb0a6d6", "dhcpcsvc6", "", 0},
    {"3d267954-eeb7-11d1-b94e-00c04fa3080d", "HydraLsPipe", "", 0},
    {"3dde7c30-165d-11d1-ab8f-00805f14db40", "BackupKey", "bkrp_BackupKey", 0},
    {"3faf4738-3a21-4307-b46c-fdda9bb8c0d5", "AudioSrv", "", 0},
    {"423ec01e-2e35-11d2-b604-00104b703efd", "IWbemWCOSmartEnum interface", "", 0},
    {"44aca674-e8fc-11d0-a07c-00c04fb68820", "IWbemContext interface", "", 0},
    {"44aca675-e8fc-11d0-a07c-00c04fb68820", "IWbemCallResult interface", "", 0},
    {"4590f812-1d3a-11d0-891f-00aa004b2e24", "IWbemClassObject unmarshaler", "", 0},
    {"45f52c28-7f9f-101a-b52b-08002b2efabe", "winspipe", "", 0},
    {"4b324fc8-1670-01d3-1278-5a47bf6ee188", "srvsvc",
     "NetrCharDevEnum NetrCharDevGetInfo NetrCharDevControl NetrCharDevQEnum NetrCharDevQGetInfo "
     "NetrCharDevQSetInfo NetrCharDevQPurge NetrCharDevQPurgeSelf NetrConnectionEnum NetrFileEnum "
     "NetrFileGetInfo NetrFileClose NetrSessionEnum NetrSessionDel NetrShareAdd NetrShareEnum "
     "NetrShareGetInfo NetrShareSetInfo NetrShareDel NetrShareDelSticky NetrShareCheck NetrServerGetInfo "
     "NetrServerSetInfo NetrServerDiskEnum NetrServerStatisticsGet NetrServerTransportAdd "
     "NetrServerTransportEnum NetrServerTransportDel NetrRemoteTOD NetrServerSetServiceBits NetprPathType "
     "NetprPathCanonicalize NetprPathCompare NetprNameValidate NetprNameCanonicalize NetprNameCompare "
     "NetrShareEnumSticky NetrShareDelStart NetrShareDelCommit NetrpGetFileSecurity NetrpSetFileSecurity "
     "NetrServerTransportAddEx NetrServerSetServiceBitsEx NetrDfsGetVersion NetrDfsCreateLocalPartition "
     "NetrDfsDeleteLocalPartition NetrDfsSetLocalVolumeState NetrDfsSetServerInfo NetrDfsCreateExitPoint "
     "NetrDfsDeleteExitPoint NetrDfsModifyPrefix NetrDfsFixLocalVolume NetrDfsManagerReportSiteInfo "
     "NetrServerTransportDelEx - NetrServerAliasEnum NetrServerAliasDel NetrShareDelEx",
     0},
    {"4d9f4ab8-7d1c-11cf-861e-0020af6e7c57", "IActivation", "RemoteActivation", 0},
    {"4fc742e0-4a10-11cf-8273-00aa004ae673", "netdfs",
     "NetrDfsManagerGetVersion NetrDfsAdd NetrDfsRemove NetrDfsSetInfo NetrDfsGetInfo NetrDfsEnum "
     "NetrDfsMove NetrDfsManagerGetConfigInfo NetrDfsManagerSendSiteInfo NetrDfsAddFtRoot "
     "NetrDfsRemoveFtRoot NetrDfsAddStdRoot NetrDfsRemoveStdRoot NetrDfsManagerInitialize "
     "NetrDfsAddStdRootForced NetrDfsGetDcAddress NetrDfsSetDcAddress NetrDfsFlushFtTable NetrDfsAdd2 "
     "NetrDfsRemove2 NetrDfsEnumEx NetrDfsSetInfo2",
     0},
    {"50abc2a4-574d-40b3-9d66-ee4fd5fba076", "dnsserver",
     "DnssrvOperation DnssrvQuery DnssrvComplexOperation DnssrvEnumRecords DnssrvUpdateRecord "
     "DnssrvOperation2 DnssrvQuery2 DnssrvComplexOperation2 DnssrvEnumRecords2 DnssrvUpdateRecord2",
     0},
    {"51c82175-844e-4750-b0d8-ec255555bc06", "KMS", "", 0},
    {"5261574a-4572-206e-b268-6b199213b4e4", "AsyncEMSMDB", "", 0},
    {"57674cd0-5200-11ce-a897-08002b2e9c6d", "lls_license", "", 0},
    {"5a7b91f8-ff00-11d0-a9b2-00c04fb6e6fc", "msgsvcsend", "", 0},
    {"5ca4a760-ebb1-11cf-8611-00a0245420ed", "winstation_rpc", "", 0},
    {"674b6698-ee92-11d0-ad71-00c04fd8fdff", "IWbemContext unmarshaler", "", 0},
    {"68b58241-c259-4f03-a2e5-a2651dcbc930", "IKeySvc2", "", 0},
    {"6bffd098-a112-3610-9833-012892020162", "browser",
     "BrowserrServerEnum BrowserrDebugCall BrowserrQueryOtherDomains BrowserrResetNetlogonState "
     "BrowserrDebugTrace BrowserrQueryStatistics BrowserrResetStatistics NetrBrowserStatisticsClear "
     "NetrBrowserStatisticsGet BrowserrSetNetlogonState BrowserrQueryEmulatedDomains BrowserrServerEnumEx",
     0},
    {"6bffd098-a112-3610-9833-46c3f87e345a", "wkssvc",
     "NetrWkstaGetInfo NetrWkstaSetInfo NetrWkstaUserEnum NetrWkstaUserGetInfo NetrWkstaUserSetInfo "
     "NetrWkstaTransportEnum NetrWkstaTransportAdd NetrWkstaTransportDel NetrUseAdd NetrUseGetInfo "
     "NetrUseDel NetrUseEnum NetrMessageBufferSend NetrWorkstationStatisticsGet NetrLogonDomainNameAdd "
     "NetrLogonDomainNameDel NetrJoinDomain NetrUnjoinDomain NetrValidateName NetrRenameMachineInDomain "
     "NetrGetJoinInformation NetrGetJoinableOUs NetrJoinDomain2 NetrUnjoinDomain2 "
     "NetrRenameMachineInDomain2 NetrValidateName2 NetrGetJoinableOUs2 NetrAddAlternateComputerName "
     "NetrRemoveAlternateComputerName NetrSetPrimaryComputerName NetrEnumerateComputerNames",
     0},
    {"76f03f96-cdfd-44fc-a22c-64950a001209", "IRemoteWinspool",
     "RpcAsyncOpenPrinter RpcAsyncAddPrinter RpcAsyncSetJob RpcAsyncGetJob RpcAsyncEnumJobs RpcAsyncAddJob "
     "RpcAsyncScheduleJob RpcAsyncDeletePrinter RpcAsyncSetPrinter RpcAsyncGetPrinter "
     "RpcAsyncStartDocPrinter RpcAsyncStartPagePrinter RpcAsyncWritePrinter RpcAsyncEndPagePrinter "
     "RpcAsyncEndDocPrinter RpcAsyncAbortPrinter RpcAsyncGetPrinterData RpcAsyncGetPrinterDataEx "
     "RpcAsyncSetPrinterData RpcAsyncSetPrinterDataEx RpcAsyncClosePrinter RpcAsyncAddForm "
     "RpcAsyncDeleteForm RpcAsyncGetForm RpcAsyncSetForm RpcAsyncEnumForms RpcAsyncGetPrinterDriver "
     "RpcAsyncEnumPrinterData RpcAsyncEnumPrinterDataEx RpcAsyncEnumPrinterKey RpcAsyncDeletePrinterData "
     "RpcAsyncDeletePrinterDataEx RpcAsyncDeletePrinterKey RpcAsyncXcvData RpcAsyncSendRecvBidiData "
     "RpcAsyncCreatePrinterIC RpcAsyncPlayGdiScriptOnPrinterIC RpcAsyncDeletePrinterIC "
     "RpcAsyncEnumPrinters RpcAsyncAddPrinterDriver RpcAsyncEnumPrinterDrivers "
     "RpcAsyncGetPrinterDriverDirectory RpcAsyncDeletePrinterDriver RpcAsyncDeletePrinterDriverEx "
     "RpcAsyncAddPrintProcessor RpcAsyncEnumPrintProcessors RpcAsyncGetPrintProcessorDirectory "
     "RpcAsyncEnumPorts RpcAsyncEnumMonitors RpcAsyncAddPort RpcAsyncSetPort RpcAsyncAddMonitor "
     "RpcAsyncDeleteMonitor RpcAsyncDeletePrintProcessor RpcAsyncEnumPrintProcessorDatatypes "
     "RpcAsyncAddPerMachineConnection RpcAsyncDeletePerMachineConnection RpcAsyncEnumPerMachineConnections "
     "RpcSyncRegisterForRemoteNotifications RpcSyncUnRegisterForRemoteNotifications "
     "RpcSyncRefreshRemoteNotifications RpcAsyncGetRemoteNotifications "
     "RpcAsyncInstallPrinterDriverFromPackage RpcAsyncUploadPrinterDriverPackage "
     "RpcAsyncGetCorePrinterDrivers RpcAsyncCorePrinterDriverInstalled RpcAsyncGetPrinterDriverPackagePath "
     "RpcAsyncDeletePrinterDriverPackage RpcAsyncReadPrinter RpcAsyncResetPrinter "
     "RpcAsyncGetJobNamedPropertyValue RpcAsyncSetJobNamedProperty RpcAsyncDeleteJobNamedProperty "
     "RpcAsyncEnumJobNamedProperties RpcAsyncLogJobInfoForBranchOffice",
     0},
    {"7c857801-7381-11cf-884d-00aa004b2e24", "IWbemObjectSink interface", "", 0},
    {"82273fdc-e32a-18c3-3f78-827929dc23ea", "eventlog",
     "ElfrClearELFW ElfrBackupELFW ElfrCloseEL ElfrDeregisterEventSource ElfrNumberOfRecords "
     "ElfrOldestRecord ElfrChangeNotify ElfrOpenELW ElfrRegisterEventSourceW ElfrOpenBELW ElfrReadELW "
     "ElfrReportEventW ElfrClearELFA ElfrBackupELFA ElfrOpenELA ElfrRegisterEventSourceA ElfrOpenBELA "
     "ElfrReadELA ElfrReportEventA",
     0},
    {"83da7c00-e84f-11d2-9807-00c04f8ec850", "sfcapi", "", 0},
    {"86d35949-83c9-4044-b424-db363231fd0c", "ITaskSchedulerService",
     "SchRpcHighestVersion SchRpcRegisterTask SchRpcRetrieveTask SchRpcCreateFolder SchRpcSetSecurity "
     "SchRpcGetSecurity SchRpcEnumFolder SchRpcEnumTasks SchRpcEnumInstances SchRpcGetInstanceInfo "
     "SchRpcStopInstance SchRpcStop SchRpcRun SchRpcDelete SchRpcRename SchRpcScheduledRuntimes "
     "SchRpcGetLastRunInfo SchRpcGetTaskInfo SchRpcGetNumberOfMissedRuns SchRpcEnableTask",
     0},
    {"894de0c0-0d55-11d3-a322-00c04fa321a1", "InitShutdown",
     "BaseInitiateShutdown BaseAbortShutdown BaseInitiateShutdownEx", 0},
    {"8d0ffe72-d252-11d0-bf8f-00c04fd9126b", "IKeySvc", "", 0},
    {"8d9f4e40-a03d-11ce-8f69-08003e30051b", "pnp", "", 0},
    {"906b0ce0-c70b-1067-b317-00dd010662da", "IXnRemote", "", 0},
    {"91ae6020-9e3c-11cf-8d7c-00aa00c091be", "ICertPassage", "CertServerRequest", 0},
    {"9556dc99-828c-11cf-a37e-00aa003240c7", "IWbemServices",
     "OpenNamespace CancelAsyncCall QueryObjectSink GetObject GetObjectAsync PutClass PutClassAsync "
     "DeleteClass DeleteClassAsync CreateClassEnum CreateClassEnumAsync PutInstance PutInstanceAsync "
     "DeleteInstance DeleteInstanceAsync CreateInstanceEnum CreateInstanceEnumAsync ExecQuery "
     "ExecQueryAsync ExecNotificationQuery ExecNotificationQueryAsync ExecMethod ExecMethodAsync",
     3},
    {"99fcfec4-5260-101b-bbcb-00aa0021347a", "IObjectExporter",
     "ResolveOxid SimplePing ComplexPing ServerAlive ResolveOxid2 ServerAlive2", 0},
    {"9a653086-174f-11d2-b5f9-00104b703efd", "IWbemClassObject interface", "", 0},
    {"a359dec5-e813-4834-8a2a-ba7f1d777d76", "IWbemBackupRestoreEx interface", "", 0},
    {"a4f1db00-ca47-1067-b31f-00dd010662da", "exchange_mapi",
     "EcDoConnect EcDoDisconnect EcDoRpc EcGetMoreRpc EcRRegisterPushNotification "
     "EcRUnregisterPushNotification EcDummyRpc EcRGetDCName EcRNetGetDCName EcDoRpcExt EcDoConnectEx "
     "EcDoRpcExt2",
     0},
    {"a8e0653c-2744-4389-a61d-7373df8b2292", "FileServerVssAgent",
     "GetSupportedVersion SetContext StartShadowCopySet AddToShadowCopySet CommitShadowCopySet "
     "ExposeShadowCopySet RecoveryCompleteShadowCopySet AbortShadowCopySet IsPathSupported "
     "IsPathShadowCopied GetShareMapping DeleteShareMapping PrepareShadowCopySet",
     0},
    {"ae33069b-a2a8-46ee-a235-ddfd339be281", "IRPCRemoteObject", "", 0},
    {"afa8bd80-7d8a-11c9-bef4-08002b102989", "mgmt",
     "inq_if_ids inq_stats is_server_listening stop_server_listening inq_princ_name", 0},
    {"c386ca3e-9061-4a72-821e-498d83be188f", "AudioRpc", "", 0},
    {"c49e32c6-bc8b-11d2-85d4-00105a1f8304", "IWbemBackupRestoreEx interface", "", 0},
    {"c49e32c7-bc8b-11d2-85d4-00105a1f8304", "IWbemBackupRestore interface", "", 0},
    {"c681d488-d850-11d0-8c52-00c04fd90f7e", "efsrpc2",
     "EfsRpcOpenFileRaw EfsRpcReadFileRaw EfsRpcWriteFileRaw EfsRpcCloseRaw EfsRpcEncryptFileSrv "
     "EfsRpcDecryptFileSrv EfsRpcQueryUsersOnFile EfsRpcQueryRecoveryAgents EfsRpcRemoveUsersFromFile "
     "EfsRpcAddUsersToFile - EfsRpcNotSupported EfsRpcFileKeyInfo EfsRpcDuplicateEncryptionInfoFile - "
     "EfsRpcAddUsersToFileEx EfsRpcFileKeyInfoEx - EfsRpcGetEncryptedFileMetadata "
     "EfsRpcSetEncryptedFileMetadata EfsRpcFlushEfsCache EfsRpcEncryptFileExSrv EfsRpcQueryProtectors",
     0},
    {"c8cb7687-e6d3-11d2-a958-00c04f682e16", "DAV RPC SERVICE", "", 0},
    {"d3fbb514-0e3b-11cb-8fad-08002b1d29c3", "NsiC", "", 0},
    {"d4781cd6-e5d3-44df-ad94-930efe48a887", "IWbemLoginClientID", "", 0},
    {"d6d70ef0-0e3b-11cb-acc3-08002b1d29c3", "NsiS", "", 0},
    {"d6d70ef0-0e3b-11cb-acc3-08002b1d29c4", "NsiM", "", 0},
    {"d95afe70-a6d5-4259-822e-2c84da1ddb0d", "WindowsShutdown", "WsdrInitiateShutdown WsdrAbortShutdown", 0},
    {"dc12a681-737f-11cf-884d-00aa004b2e24", "IWbemClassObject interface", "", 0},
    {"df1941c5-fe89-4e79-bf10-463657acf44d", "efsrpc",
     "EfsRpcOpenFileRaw EfsRpcReadFileRaw EfsRpcWriteFileRaw EfsRpcCloseRaw EfsRpcEncryptFileSrv "
     "EfsRpcDecryptFileSrv EfsRpcQueryUsersOnFile EfsRpcQueryRecoveryAgents EfsRpcRemoveUsersFromFile "
     "EfsRpcAddUsersToFile - EfsRpcNotSupported EfsRpcFileKeyInfo EfsRpcDuplicateEncryptionInfoFile - "
     "EfsRpcAddUsersToFileEx EfsRpcFileKeyInfoEx - EfsRpcGetEncryptedFileMetadata "
     "EfsRpcSetEncryptedFileMetadata EfsRpcFlushEfsCache EfsRpcEncryptFileExSrv EfsRpcQueryProtectors",
     0},
    {"e1af8308-5d1f-11c9-91a4-08002b14a0fa", "epmapper",
     "ept_insert ept_delete ept_lookup ept_map ept_lookup_handle_free ept_inq_object ept_mgmt_delete "
     "ept_map_auth ept_map_auth_async",
     0},
    {"e3514235-4b06-11d1-ab04-00c04fc2dcd2", "drsuapi",
     "DRSBind DRSUnbind DRSReplicaSync DRSGetNCChanges DRSUpdateRefs DRSReplicaAdd DRSReplicaDel "
     "DRSReplicaModify DRSVerifyNames DRSGetMemberships DRSInterDomainMove DRSGetNT4ChangeLog "
     "DRSCrackNames DRSWriteSPN DRSRemoveDsServer DRSRemoveDsDomain DRSDomainControllerInfo DRSAddEntry "
     "DRSExecuteKCC DRSGetReplInfo DRSAddSidHistory DRSGetMemberships2 DRSReplicaVerifyObjects "
     "DRSGetObjectExistence DRSQuerySitesByCost DRSInitDemotion DRSReplicaDemotion DRSFinishDemotion",
     0},
    {"f1e9c5b2-f59b-11d2-b362-00105a1f8177", "IWbemRemoteRefresher interface", "", 0},
    {"f309ad18-d86a-11d0-a075-00c04fb68820", "IWbemLevel1Login",
     "EstablishPosition RequestChallenge WBEMLogin NTLMLogin", 3},
    {"f50aac00-c7f3-428e-a022-a6b71bfb9d43", "ICatDBSvc", "", 0},
    {"f5cc59b4-4264-101a-8c59-08002b2f8426", "FrsRpc",
     "FrsRpcSendCommPkt FrsRpcVerifyPromotionParent FrsRpcStartPromotionParent FrsNOP FrsBackupComplete "
     "FrsBackupComplete FrsBackupComplete FrsBackupComplete FrsBackupComplete FrsBackupComplete "
     "FrsRpcVerifyPromotionParentEx",
     0},
    {"f5cc5a18-4264-101a-8c59-08002b2f8426", "nspi",
     "NspiBind NspiUnbind NspiUpdateStat NspiQueryRows NspiSeekEntries NspiGetMatches "
     "NspiResortRestriction NspiDNToEph NspiGetPropList NspiGetProps",
     0},
}};
static_assert(std::is_sorted(kInterfaces.begin(), kInterfaces.end(),
                             [](const Interface& a, const Interface& b) { return a.uuid < b.uuid; }));

}  // namespace

const Interface* find_interface(std::string_view uuid) noexcept {
  const auto found = std::lower_bound(kInterfaces.begin(), kInterfaces.end(), uuid,
                                      [](const Interface& i, std::string_view u) { return i.uuid < u; });
  return found != kInterfaces.end() && found->uuid == uuid ? &*found : nullptr;
}

std::string_view operation_name(const Interface& interface, std::uint16_t number) noexcept {
  if (number < interface.first) return {};
  std::string_view rest = interface.operations;
  for (unsigned skip = number - unsigned{interface.first}; skip > 0; skip--) {
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return {};
    rest.remove_prefix(blank + 1);
  }
  const std::string_view name = rest.substr(0, rest.find(' '));
  return name == "-" ? std::string_view() : name;
}

}  // namespace catenary::dce_rpc
