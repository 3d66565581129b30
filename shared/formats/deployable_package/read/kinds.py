"""The vendor's package types and what they are in Drydock's words."""

from enum import StrEnum


class DeployableKind(StrEnum):
    """The kinds of packages that images are made of."""

    PLATFORM = "platform"
    CUSTOMIZATION = "customization"
    MERGED = "merged"


APPLICATION_PACKAGE = "ApplicationPackage"
PLATFORM_PACKAGE = "PlatAppBinaryHotfixPackage"
MERGED_PACKAGE = "MergedPackage"

KIND_BY_TYPE = {
    APPLICATION_PACKAGE: DeployableKind.CUSTOMIZATION,
    PLATFORM_PACKAGE: DeployableKind.PLATFORM,
    MERGED_PACKAGE: DeployableKind.MERGED,
}
TYPE_BY_KIND = {kind: name for name, kind in KIND_BY_TYPE.items()}

# Types that exist and that an image cannot be made of, with what each is.
OTHER_TYPES = {
    "Unknown": "a package without a type",
    "PlatformOnlyPackage": "a platform update of releases before 8.1",
    "ApplicationOnlyPackage": "an application update of releases before 8.1",
    "BinaryHotfixPackage": "a binary hotfix of releases before 8.1",
    "RetailCombinedPackage": "an update of all Commerce components",
    "RetailCloudPOSPackage": "an update of the Commerce cloud point of sale",
    "RetailPaymentCollector": "an update of the Commerce payment collector",
    "RetailSelfServicePackage": "an installer for Commerce self-service components",
    "RetailServerPackage": "an update of the Commerce server",
    "RetailHQPackage": "an update of Commerce headquarters",
    "PlatformUpdateMergedPackage": "several platform updates merged into one",
    "PlatformUpdatePackage": "a platform update of releases before 8.1",
    "CertificateRotationPackage": "a rotation of certificates",
    "DataUpgradePackage": "a data upgrade",
    "ISVLicensePackage": "licence files without modules",
    "RotateAuthDataPackage": "a rotation of authentication data",
    "RotateConfigDataPackage": "a rotation of configuration data",
    "RetailEnvironmentRetargetPackage": "a change of the environment that Commerce components point to",
    "UpdateDLLtoAOSWebRoot": "single assemblies for the web root",
    "DataMovementPackage": "a movement of databases",
    "ConfigModeSingleUserPackage": "a switch to configuration mode for a single user",
    "EnableMaintenanceModePackage": "a switch that turns maintenance mode on",
    "DisableMaintenanceModePackage": "a switch that turns maintenance mode off",
}

# Where those belong that people bring instead of a package for images.
WAY_BY_TYPE = {
    "ISVLicensePackage": "licences go with the modules that they are for: `drydock package build --license FILE`, or "
    "AOSService/Scripts/License of their package",
    "DataUpgradePackage": "the database is upgraded when an update is applied: submit the platform or merged package",
    "EnableMaintenanceModePackage": "use `drydock maintenance on`",
    "DisableMaintenanceModePackage": "use `drydock maintenance off`",
}

_TYPE_BY_LOWER_NAME = {name.lower(): name for name in (*KIND_BY_TYPE, *OTHER_TYPES)}

BINARY_HOTFIX_GUID = "76f46b4f-1849-4927-9da2-6c349430f349"
DEVELOPER_GUID = "a38be920-ed52-4583-8475-7539f721cb5e"

# The vendor's ReleasedPackages.xml: which type the Guid of DefaultServiceModelData.xml stands for.
TYPE_BY_GUID = {
    BINARY_HOTFIX_GUID: "BinaryHotfixPackage",
    "4f75f086-fad2-4c7c-b86d-3100762bdaec": "BinaryHotfixPackage",
    "ce3e0f74-1011-480e-a771-0d43e36d2871": "ISVLicensePackage",
    "aa6be7ca-cbfb-4778-a105-1ec3ddc59bb9": "EnableMaintenanceModePackage",
    "a9568386-c48f-42f5-864d-486a1379fdd0": "DisableMaintenanceModePackage",
    "803f3da4-1dd1-450d-bbec-8cb6e2ed45cd": "DataUpgradePackage",
    "b1451745-a2f9-45a9-aeef-0fd0a24e0b68": "DataUpgradePackage",
    "2daf1de8-d4cb-4872-848c-81782a42c070": "DataMovementPackage",
    "09253a9b-3e12-47b3-b4f1-38535fdb540c": "UpdateDLLtoAOSWebRoot",
    "0ea593f9-0ad6-412c-9777-b5647f345f7c": "RetailEnvironmentRetargetPackage",
    DEVELOPER_GUID: "Unknown",
}


def known_type(text: str) -> str | None:
    """Return the vendor's spelling of a package type given in any case, or None if there is no such type."""
    return _TYPE_BY_LOWER_NAME.get(text.strip().lower())
