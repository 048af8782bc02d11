"""Which address leads where? The portal's own pages are listed in `mca_portal/pages/urls.py`."""

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from allauth.idp.oidc.models import Client, Token
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib import admin
from django.urls import include, path, re_path, reverse_lazy
from django.views.decorators.cache import never_cache

from mca_portal.api.urls import urls as api
from mca_portal.pages import health, preferences, security, signin, single_sign_on
from mca_portal.pages.security import logged
from mca_portal.staff.models import Action

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one sign-in for everybody
admin.site.site_header = admin.site.site_title = "MCA portal"
admin.site.unregister([Client, Token])  # an Admin agent registers applications, through a service

security_page = reverse_lazy("mfa_index")

# Those of allauth's pages that the portal offers; there is no sign-up and no change of address.
accounts = [
    path("login/", account.LoginView.as_view(form_class=signin.SignInForm), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.ReauthenticateView.as_view(form_class=signin.ConfirmItIsYouForm), name="account_reauthenticate"),
    path("password/change/", security.change_password, name="account_change_password"),
    path("password/reset/", account.PasswordResetView.as_view(form_class=signin.ForgotPasswordForm), name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.PasswordResetFromKeyView.as_view(form_class=signin.ChoosePasswordForm),
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("single-sign-on/", single_sign_on.single_sign_on, name="single_sign_on"),
    path("single-sign-on/callback/", single_sign_on.single_sign_on_callback, name="single_sign_on_callback"),
    # Second factors; the page that lists them is the portal's own
    path(
        "second-factor/",
        mfa.AuthenticateView.as_view(form_class=signin.SecondFactorForm, webauthn_form_class=signin.SecondFactorPasskeyForm),
        name="mfa_authenticate",
    ),
    path("reauthenticate/code/", mfa.ReauthenticateView.as_view(form_class=signin.ConfirmByCodeForm), name="mfa_reauthenticate"),
    path(
        "reauthenticate/passkey/",
        webauthn.ReauthenticateWebAuthnView.as_view(form_class=signin.ConfirmByPasskeyForm),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "authenticator-app/",
        never_cache(logged(Action.SECOND_FACTOR_ADDED, totp.ActivateTOTPView.as_view(form_class=signin.AuthenticatorAppForm))),
        name="mfa_activate_totp",
    ),
    path("authenticator-app/remove/", logged(Action.SECOND_FACTOR_REMOVED, totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("recovery-codes/", never_cache(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "recovery-codes/new/",
        logged(Action.RECOVERY_CODES_MADE, recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("recovery-codes/download/", recovery_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("passkeys/login/", webauthn.LoginWebAuthnView.as_view(form_class=signin.SignInByPasskeyForm), name="mfa_login_webauthn"),
    path(
        "passkeys/add/",
        logged(Action.SECOND_FACTOR_ADDED, webauthn.AddWebAuthnView.as_view(form_class=signin.PasskeyForm)),
        name="mfa_add_webauthn",
    ),
    path(
        "passkeys/<int:pk>/",
        webauthn.EditWebAuthnView.as_view(form_class=signin.PasskeyNameForm, success_url=security_page),
        name="mfa_edit_webauthn",
    ),
    path(
        "passkeys/<int:pk>/remove/",
        logged(Action.SECOND_FACTOR_REMOVED, webauthn.RemoveWebAuthnView.as_view(success_url=security_page)),
        name="mfa_remove_webauthn",
    ),
]

urlpatterns = [
    path("v1/", api),
    path("", include("mca_portal.pages.urls")),
    path("accounts/", include(accounts)),
    path("preferences/language/", preferences.set_language, name="set_language"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("operator/", admin.site.urls),
]

handler400 = "mca_portal.pages.errors.bad_request"
handler403 = "mca_portal.pages.errors.permission_denied"
handler404 = "mca_portal.pages.errors.page_not_found"
handler429 = "mca_portal.pages.errors.too_many_requests"  # allauth asks for it where it throttles
handler500 = "mca_portal.pages.errors.server_error"
