"""Which address leads where? The portal's own pages are listed in `mca_portal/pages/urls.py`."""

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path

from mca_portal.api.urls import urls as api
from mca_portal.pages import health, preferences, signin

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one sign-in for everybody
admin.site.site_header = admin.site.site_title = "MCA portal"

# Those of allauth's pages that the portal offers; there is no sign-up and no change of address.
accounts = [
    path("login/", account.LoginView.as_view(form_class=signin.SignInForm), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.ReauthenticateView.as_view(form_class=signin.ConfirmItIsYouForm), name="account_reauthenticate"),
    path("password/change/", account.PasswordChangeView.as_view(form_class=signin.ChangePasswordForm), name="account_change_password"),
    path("password/reset/", account.PasswordResetView.as_view(form_class=signin.ForgotPasswordForm), name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.PasswordResetFromKeyView.as_view(form_class=signin.ChoosePasswordForm),
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]

urlpatterns = [
    path("", include("mca_portal.pages.urls")),
    path("accounts/", include(accounts)),
    path("preferences/language/", preferences.set_language, name="set_language"),
    path("preferences/theme/", preferences.set_theme, name="set_theme"),
    path("healthz", health.healthz, name="healthz"),
    path("operator/", admin.site.urls),
    path("v1/", api),
]

handler400 = "mca_portal.pages.errors.bad_request"
handler403 = "mca_portal.pages.errors.permission_denied"
handler404 = "mca_portal.pages.errors.page_not_found"
handler500 = "mca_portal.pages.errors.server_error"
